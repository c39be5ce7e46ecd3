import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { removeTemporaries, temporariesOf, writeJson } from '../common/atomic-write.ts';
import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { damagedFile } from '../common/host-errors.ts';
import { isJsonObject } from '../common/json.ts';
import { KeyedQueue } from '../common/keyed-queue.ts';
import type { Logger } from '../common/log.ts';
import { unnamedStorageError } from '../common/storage-error.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import { storeError } from '../store/store-error.ts';
import type { Keychain } from './keychain.ts';

/**
 * Time before another attempt to read a secret from the keychain after a failure, in milliseconds: each attempt may
 * take half a minute.
 */
const RETRY_MS = 60_000;

/** The location of a secret in the system keychain. */
export const KEYCHAIN_LOCATION = 'keychain';

/** Storage that protects secrets better than a file; see {@link Keychain}. */
export type SecretStorage = Pick<Keychain, 'get' | 'set' | 'delete'>;

/** A value in the file: the secret, or the account of its keychain entry. */
type StoredSecret = string | { readonly keychain: string };

/** Options of {@link Secrets}. */
export interface SecretsOptions {
  readonly file: string;
  /** Path of the lock that hosts acquire to change the file. */
  readonly lock: string;
  /** Absent if the keychain must not be used. */
  readonly keychain?: SecretStorage | undefined;
  readonly log: Logger;
}

/**
 * Tokens and keys that a user saved in the host: in the system keychain if there is one, otherwise in a file that only
 * this user can read. The file lists the secrets in the keychain, so only these are requested from it. A secret is sent
 * only to its service, and never appears in a log, a reply or an error.
 */
export class Secrets {
  readonly #file: string;
  readonly #lock: string;
  readonly #keychain: SecretStorage | undefined;
  readonly #log: Logger;
  /** Serializes changes by the name of the secret: the keychain can be slow, and the last requested change must win. */
  readonly #changes = new KeyedQueue();
  /**
   * Secrets read from the keychain, by account. An account is written only once, so cached secrets remain valid.
   */
  readonly #entries = new Map<string, Promise<string>>();

  constructor({ file, lock, keychain, log }: SecretsOptions) {
    this.#file = file;
    this.#lock = lock;
    this.#log = log;
    this.#keychain = keychain;
  }

  /**
   * Removes temporary files that a host left when it was killed while saving a secret. They contain secrets, possibly
   * cleared ones.
   */
  async removeLeftovers(): Promise<void> {
    try {
      if ((await temporariesOf(this.#file)).length === 0) return;
      await withFileLock(this.#lock, () => removeTemporaries(this.#file));
    } catch (error) {
      this.#log.warn('secrets.leftovers', { reason: reasonOf(error) });
    }
  }

  /**
   * @throws HostError `CACHE_ERROR` if the file cannot be read, `KEYCHAIN_UNAVAILABLE` if the secret is in the keychain
   * and cannot be read.
   */
  async get(name: string): Promise<string | undefined> {
    const stored = (await this.#read()).get(name);
    if (stored === undefined || typeof stored === 'string') return stored;
    return this.#readFromKeychain(stored.keychain);
  }

  /**
   * Returns where a secret is stored: {@link KEYCHAIN_LOCATION}, or the path of the file. Does not access the keychain.
   *
   * @throws HostError `CACHE_ERROR`.
   */
  async locationOf(name: string): Promise<string | undefined> {
    const stored = (await this.#read()).get(name);
    if (stored === undefined) return undefined;
    return typeof stored === 'string' ? this.#file : KEYCHAIN_LOCATION;
  }

  /** @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`. */
  async set(name: string, value: string): Promise<void> {
    await this.#changes.run(name, async () => {
      // If the file cannot be read, this throws before an orphaned keychain entry is created.
      await this.#read();
      const stored = await this.#storeValue(name, value);
      try {
        const before = await this.#replace(name, stored);
        if (typeof before === 'object') await this.#forget(before.keychain);
      } catch (error) {
        if (typeof stored === 'object') await this.#forget(stored.keychain);
        throw error;
      }
    });
  }

  /** Removes a secret. Returns `left` if its keychain entry, which is no longer referenced, could not be removed. */
  clear(name: string): Promise<'removed' | 'left' | undefined> {
    return this.#changes.run(name, async () => {
      const before = await this.#replace(name, undefined);
      if (before === undefined) return undefined;
      return typeof before === 'object' ? this.#forget(before.keychain) : 'removed';
    });
  }

  /** Removes all secrets from the keychain. Call it before the file that refers to them is removed. */
  async clearAll(): Promise<void> {
    for (const name of (await this.#read()).keys()) await this.clear(name);
  }

  /** Changes an entry of the file, under a lock against other hosts. Returns the previous value. */
  #replace(name: string, stored: StoredSecret | undefined): Promise<StoredSecret | undefined> {
    return withFileLock(this.#lock, async () => {
      const all = await this.#read();
      const before = all.get(name);
      if (stored === undefined) all.delete(name);
      else all.set(name, stored);
      if (stored !== before) await this.#write(all);
      // No other host writes the file while this one holds the lock.
      await removeTemporaries(this.#file);
      return before;
    });
  }

  /**
   * Stores a secret in the keychain and returns a reference. If that fails, returns the secret, to store in the file.
   */
  async #storeValue(name: string, value: string): Promise<StoredSecret> {
    if (this.#keychain === undefined) return value;
    const account = `${name}:${randomUUID()}`;
    try {
      await this.#keychain.set(account, value);
      return { keychain: account };
    } catch (error) {
      this.#log.warn('secrets.file', { name, reason: reasonOf(error) });
      return value;
    }
  }

  /**
   * Removes a keychain entry that is no longer referenced. If that fails, only its user can read it.
   */
  async #forget(account: string): Promise<'removed' | 'left'> {
    this.#entries.delete(account);
    try {
      await this.#keychain?.delete(account);
      return this.#keychain === undefined ? 'left' : 'removed';
    } catch (error) {
      this.#log.warn('secrets.left', { account, reason: reasonOf(error) });
      return 'left';
    }
  }

  #readFromKeychain(account: string): Promise<string> {
    const known = this.#entries.get(account);
    if (known !== undefined) return known;
    if (this.#keychain === undefined) {
      throw new HostError(
        'KEYCHAIN_UNAVAILABLE',
        'The token or key is stored in the system keychain, which this host is configured not to use. Add it again.',
      );
    }
    const reading = this.#keychain.get(account).then((value) => value ?? Promise.reject(entryMissing(account)));
    this.#entries.set(account, reading);
    reading.catch((error: unknown) => {
      this.#log.warn('secrets.keychain', { reason: reasonOf(error) });
      setTimeout(() => this.#entries.delete(account), RETRY_MS).unref();
    });
    return reading;
  }

  async #read(): Promise<Map<string, StoredSecret>> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return new Map();
      const known = unnamedStorageError(error);
      if (known !== undefined) throw known;
      throw new HostError(
        'CACHE_ERROR',
        `The saved tokens and keys in ${this.#file} cannot be read. Make the file readable, or delete it and add them again.`,
        {
          details: { file: this.#file },
          cause: error,
        },
      );
    }
    const values = parse(text);
    if (!isJsonObject(values)) {
      throw damagedFile(this.#file, 'tokens and keys', 'Delete it and add them again.');
    }
    return new Map(Object.entries(values).filter((entry): entry is [string, StoredSecret] => isStoredSecret(entry[1])));
  }

  async #write(values: ReadonlyMap<string, StoredSecret>): Promise<void> {
    try {
      await writeJson(this.#file, Object.fromEntries(values));
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of a syntax error would quote the contents, which are secret.
    return undefined;
  }
}

/** Returns the error for an entry that another program removed. The request must not continue without the secret. */
function entryMissing(account: string): HostError {
  const reason = `it has no entry ${account}`;
  return new HostError(
    'KEYCHAIN_UNAVAILABLE',
    `The system keychain no longer contains the token or key: ${reason}. Add it again.`,
    { details: { reason } },
  );
}

function isStoredSecret(value: unknown): value is StoredSecret {
  return typeof value === 'string' || (isJsonObject(value) && typeof value.keychain === 'string');
}

function reasonOf(error: unknown): unknown {
  return isHostError(error) ? error.details?.reason : error;
}
