import { AsyncLocalStorage } from 'node:async_hooks';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import KeyvSqlite from '@keyv/sqlite';
import Keyv from 'keyv';
import { isSystemError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import type { Logger } from '../common/log.ts';
import { longPath } from '../common/long-path.ts';
import { createPrivateFile } from '../common/private-file.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';
import { storeError } from './store-error.ts';
import type { Namespace, Store } from './types.ts';

/** How long a write waits for another host's write, milliseconds. A write takes well under a millisecond. */
const BUSY_TIMEOUT_MS = 5_000;

/** Rows read at a time when the entries of a namespace are listed. */
const ROWS_PER_READ = 500;

/**
 * Opens the host's database, and creates it if it does not exist: private to the user, in WAL mode, so that several
 * hosts can read and write at once. A damaged database is set aside and replaced by an empty one: it is an index, and
 * holds no model.
 *
 * @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`.
 */
export async function openStore(file: string, log: Logger): Promise<Store> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await makePrivate(file);
    await setAsideIfDamaged(file, log);
    await makePrivate(file);
    return new KeyvStore(file);
  } catch (error) {
    throw storeError(error, file);
  }
}

/** A store of keyv namespaces, each in its own table of one SQLite file. */
class KeyvStore implements Store {
  readonly #file: string;
  readonly #open = new Map<string, KeyvNamespace<unknown>>();

  constructor(file: string) {
    this.#file = file;
  }

  namespace<T>(name: string): Namespace<T> {
    let namespace = this.#open.get(name);
    if (namespace === undefined) {
      namespace = new KeyvNamespace(this.#file, name);
      this.#open.set(name, namespace);
    }
    // Only the owner of a namespace writes to it; it validates what it reads where that matters.
    return namespace as Namespace<T>;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((namespace) => namespace.close()));
    this.#open.clear();
  }
}

/** The call in whose asynchronous context keyv runs: the one that an `error` event belongs to. */
interface Call {
  error?: unknown;
}

class KeyvNamespace<T> implements Namespace<T> {
  readonly #calls = new AsyncLocalStorage<Call>();
  readonly #file: string;
  readonly #keyv: Keyv;
  readonly #adapter: KeyvSqlite;
  readonly #ready: Promise<void>;

  constructor(file: string, name: string) {
    this.#file = file;
    this.#adapter = new KeyvSqlite({
      uri: `sqlite://${longPath(file)}`,
      table: name,
      driver: 'node:sqlite',
      wal: true,
      busyTimeout: BUSY_TIMEOUT_MS,
      iterationLimit: ROWS_PER_READ,
    });
    this.#keyv = new Keyv({ store: this.#adapter });
    this.#ready = this.#prepare();
    // The first call reports the error.
    this.#ready.catch(() => {});
    // Keyv reports some errors only as events of the instance; `#run` turns them into the error of the call that caused
    // them. An event outside of any call is ignored: without a listener it would end the process.
    this.#keyv.on('error', (error: unknown) => {
      const call = this.#calls.getStore();
      if (call !== undefined) call.error ??= error;
    });
  }

  get(key: string): Promise<T | undefined> {
    return this.#run(() => this.#keyv.get<T>(key));
  }

  getMany(keys: readonly string[]): Promise<(T | undefined)[]> {
    return keys.length === 0 ? Promise.resolve([]) : this.#run(() => this.#keyv.getMany<T>([...keys]));
  }

  async set(key: string, value: T): Promise<void> {
    await this.#run(() => this.#keyv.set(key, value));
  }

  async delete(key: string): Promise<void> {
    await this.#run(() => this.#keyv.delete(key));
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#run(() => this.#keyv.deleteMany([...keys]));
  }

  async *entries(): AsyncGenerator<[key: string, value: T]> {
    const all = await this.#run(async () => {
      const entries: [string, T][] = [];
      for await (const [key, value] of this.#keyv.iterator()) entries.push([String(key), value as T]);
      return entries;
    });
    yield* all;
  }

  async close(): Promise<void> {
    await this.#run(() => this.#adapter.close());
  }

  /**
   * Makes SQLite sync the write-ahead log only at checkpoints, not after each write, which would block the host while a
   * busy disk syncs. A write survives the end of the host either way; a power failure can lose the last ones, and the
   * index is compared with the disk anyway.
   */
  async #prepare(): Promise<void> {
    await this.#adapter.ready;
    await this.#adapter.query('PRAGMA synchronous = NORMAL');
  }

  /** Runs one call of keyv. An error that keyv only reports as an event during this call rejects this call, and no other. */
  async #run<R>(work: () => Promise<R>): Promise<R> {
    const call: Call = {};
    try {
      await this.#ready;
      const result = await this.#calls.run(call, work);
      if (call.error !== undefined) throw call.error;
      return result;
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }
}

/** Creates the file if it does not exist, readable only by the user. */
async function makePrivate(file: string): Promise<void> {
  createPrivateFile(file);
  await chmod(file, 0o600);
}

/** Sets a damaged database aside, with its log files. */
async function setAsideIfDamaged(file: string, log: Logger): Promise<void> {
  const before = await inodeOf(file);
  const damage = damageOf(file);
  // Another host that started at the same moment may already have replaced it.
  if (damage === undefined || (await inodeOf(file)) !== before) return;
  const aside = `${file}.corrupt-${Date.now()}`;
  log.error('store.corrupt', { file, aside, damage });
  for (const suffix of ['', '-wal', '-shm']) {
    await renameFile(`${file}${suffix}`, `${aside}${suffix}`).catch((error: unknown) => {
      if (!isSystemError(error, 'ENOENT')) throw error;
    });
  }
}

async function inodeOf(file: string): Promise<bigint | undefined> {
  try {
    return (await stat(file, { bigint: true })).ino;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Returns what is damaged in a database, or undefined. Throws other errors (no space, no permission). */
function damageOf(file: string): number | string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(longPath(file));
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const [result] = database.prepare('PRAGMA quick_check(1)').all();
    return result?.quick_check === 'ok' ? undefined : String(result?.quick_check);
  } catch (error) {
    const code = sqliteCode(error);
    if (code === SQLITE.CORRUPT || code === SQLITE.NOTADB) return code;
    throw error;
  } finally {
    database?.close();
  }
}
