import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeJson } from '../common/atomic-write.ts';
import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { damagedFile } from '../common/host-errors.ts';
import { isJsonObject } from '../common/json.ts';
import { KeyedQueue } from '../common/keyed-queue.ts';
import type { Logger } from '../common/log.ts';
import { unnamedStorageError } from '../common/storage-error.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import { storeError } from '../store/store-error.ts';
import type { Keychain } from './keychain.ts';

/** How long a keychain that could not be read is not asked again, milliseconds: each time may take half a minute. */
const ASK_AGAIN_MS = 60_000;

/** Where a secret lies when the system's keychain has it. */
export const IN_KEYCHAIN = 'keychain';

/** What holds secrets better than a file does; see `Keychain`. */
export type SecretKeeper = Pick<Keychain, 'get' | 'set' | 'delete'>;

/** In the file: a secret, or the keychain's entry that has it. */
type Kept = string | { readonly keychain: string };

/** What a host's secrets are opened with. */
export interface SecretsOptions {
  readonly file: string;
  /** The file lock that hosts take to change the file. */
  readonly lock: string;
  /** Absent where it is not to be used. */
  readonly keychain?: SecretKeeper | undefined;
  readonly log: Logger;
}

/**
 * Secrets a user gave the host: in the system's keychain where there is one, else in a file that only this user can
 * read. The file says which of them the keychain has, so it is asked for no other. They leave it for the place they are
 * meant for and no other: never for a log, a reply or an error.
 */
export class Secrets {
  readonly #file: string;
  readonly #lock: string;
  readonly #keychain: SecretKeeper | undefined;
  readonly #log: Logger;
  /** Changes of a secret, by its name: the keychain can take long, and the last change asked for is the one that stays. */
  readonly #changes = new KeyedQueue();
  /** What the keychain said of an entry. An entry is never written twice, so what was read stays true. */
  readonly #entries = new Map<string, Promise<string>>();

  constructor({ file, lock, keychain, log }: SecretsOptions) {
    this.#file = file;
    this.#lock = lock;
    this.#log = log;
    this.#keychain = keychain;
  }

  /** @throws HostError `CACHE_ERROR` where the file cannot be read, `KEYCHAIN_UNAVAILABLE` where the keychain has it and cannot. */
  async get(name: string): Promise<string | undefined> {
    const kept = (await this.#read()).get(name);
    if (kept === undefined || typeof kept === 'string') return kept;
    return this.#fromKeychain(kept.keychain);
  }

  /**
   * Where a secret lies: {@link IN_KEYCHAIN}, or the file's path. Asks no keychain.
   *
   * @throws HostError `CACHE_ERROR`.
   */
  async placeOf(name: string): Promise<string | undefined> {
    const kept = (await this.#read()).get(name);
    if (kept === undefined) return undefined;
    return typeof kept === 'string' ? this.#file : IN_KEYCHAIN;
  }

  /** @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`. */
  async set(name: string, value: string): Promise<void> {
    await this.#changes.run(name, async () => {
      // A file that cannot be read is found out before the keychain has an entry that nothing names.
      await this.#read();
      const kept = await this.#keep(name, value);
      try {
        const before = await this.#replace(name, kept);
        if (typeof before === 'object') await this.#forget(before.keychain);
      } catch (error) {
        if (typeof kept === 'object') await this.#forget(kept.keychain);
        throw error;
      }
    });
  }

  /** What became of it: `left` is an entry the keychain would not remove, which nothing names any more. */
  clear(name: string): Promise<'removed' | 'left' | undefined> {
    return this.#changes.run(name, async () => {
      const before = await this.#replace(name, undefined);
      if (before === undefined) return undefined;
      return typeof before === 'object' ? this.#forget(before.keychain) : 'removed';
    });
  }

  /** Takes every secret out of the keychain, before the file that names them is removed. */
  async clearAll(): Promise<void> {
    for (const name of (await this.#read()).keys()) await this.clear(name);
  }

  /** Changes one entry of the file and no other, whoever else writes to it. Returns what the entry was before. */
  #replace(name: string, kept: Kept | undefined): Promise<Kept | undefined> {
    return withFileLock(this.#lock, async () => {
      const all = await this.#read();
      const before = all.get(name);
      if (kept === undefined) all.delete(name);
      else all.set(name, kept);
      if (kept !== before) await this.#write(all);
      return before;
    });
  }

  /** Gives a secret to the keychain, or where that cannot be, to the file. */
  async #keep(name: string, value: string): Promise<Kept> {
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

  /** Removes an entry nothing names any more. One that cannot be removed is of no use to anybody but its user. */
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

  #fromKeychain(account: string): Promise<string> {
    const known = this.#entries.get(account);
    if (known !== undefined) return known;
    if (this.#keychain === undefined) {
      throw new HostError(
        'KEYCHAIN_UNAVAILABLE',
        'The token or key is stored in the system keychain, which this host is configured not to use. Add it again.',
      );
    }
    const asked = this.#keychain.get(account).then((value) => value ?? Promise.reject(notThere(account)));
    this.#entries.set(account, asked);
    asked.catch((error: unknown) => {
      this.#log.warn('secrets.keychain', { reason: reasonOf(error) });
      setTimeout(() => this.#entries.delete(account), ASK_AGAIN_MS).unref();
    });
    return asked;
  }

  async #read(): Promise<Map<string, Kept>> {
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
    return new Map(Object.entries(values).filter((entry): entry is [string, Kept] => isKept(entry[1])));
  }

  async #write(values: ReadonlyMap<string, Kept>): Promise<void> {
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
    // What it holds is not said, not even as part of a syntax error.
    return undefined;
  }
}

/** Somebody else removed it: to go on without would be to do something else than was asked. */
function notThere(account: string): HostError {
  const reason = `it has no entry ${account}`;
  return new HostError(
    'KEYCHAIN_UNAVAILABLE',
    `The system keychain no longer contains the token or key: ${reason}. Add it again.`,
    { details: { reason } },
  );
}

function isKept(value: unknown): value is Kept {
  return typeof value === 'string' || (isJsonObject(value) && typeof value.keychain === 'string');
}

function reasonOf(error: unknown): unknown {
  return isHostError(error) ? error.details?.reason : error;
}
