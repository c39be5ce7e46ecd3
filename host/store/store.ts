import { chmod, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import KeyvSqlite from '@keyv/sqlite';
import Keyv from 'keyv';
import { isSystemError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';
import { storeError } from './store-error.ts';
import type { Namespace, Store } from './types.ts';

/** How long a write waits for another host's, milliseconds. One takes well under a millisecond. */
const BUSY_TIMEOUT_MS = 5_000;

/** Rows read at a time when a namespace is gone through. */
const ROWS_PER_READ = 500;

/**
 * Opens the host's database, making it where there is none: private to the user, in WAL mode, so that several hosts
 * read and write at once. One that is damaged is set aside and a new one begun: it is an index and holds no model.
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

/** A store of keyv namespaces, each a table of its own in one SQLite file. */
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
    // A namespace holds what its one owner puts in; owners check what comes out where it matters.
    return namespace as Namespace<T>;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((namespace) => namespace.close()));
    this.#open.clear();
  }
}

class KeyvNamespace<T> implements Namespace<T> {
  readonly #file: string;
  readonly #keyv: Keyv;
  readonly #adapter: KeyvSqlite;
  readonly #ready: Promise<void>;

  constructor(file: string, name: string) {
    this.#file = file;
    this.#adapter = new KeyvSqlite({
      uri: `sqlite://${file}`,
      table: name,
      driver: 'node:sqlite',
      wal: true,
      busyTimeout: BUSY_TIMEOUT_MS,
      iterationLimit: ROWS_PER_READ,
    });
    this.#keyv = new Keyv({ store: this.#adapter });
    this.#ready = this.#prepare();
    // Whoever asks first hears of a fault.
    this.#ready.catch(() => {});
    // Keyv tells of faults by events and goes on; `#asked` makes errors of them. This keeps one outside of any call from
    // ending the process.
    this.#keyv.on('error', () => {});
  }

  get(key: string): Promise<T | undefined> {
    return this.#asked(() => this.#keyv.get<T>(key));
  }

  getMany(keys: readonly string[]): Promise<(T | undefined)[]> {
    return keys.length === 0 ? Promise.resolve([]) : this.#asked(() => this.#keyv.getMany<T>([...keys]));
  }

  async set(key: string, value: T): Promise<void> {
    await this.#asked(() => this.#keyv.set(key, value));
  }

  async delete(key: string): Promise<void> {
    await this.#asked(() => this.#keyv.delete(key));
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#asked(() => this.#keyv.deleteMany([...keys]));
  }

  async *entries(): AsyncGenerator<[key: string, value: T]> {
    const all = await this.#asked(async () => {
      const entries: [string, T][] = [];
      for await (const [key, value] of this.#keyv.iterator()) entries.push([String(key), value as T]);
      return entries;
    });
    yield* all;
  }

  async close(): Promise<void> {
    await this.#asked(() => this.#adapter.close());
  }

  /**
   * Has SQLite force the log onto the disk when it is taken into the database, not at each write: that would hold up the
   * host for as long as a busy disk takes. A write outlasts the end of the host either way; a power cut may take the last
   * ones, of an index that is compared with the disk.
   */
  async #prepare(): Promise<void> {
    await this.#adapter.ready;
    await this.#adapter.query('PRAGMA synchronous = NORMAL');
  }

  /** Does one thing with keyv; what it only reports as an event becomes the error of the call. */
  async #asked<R>(work: () => Promise<R>): Promise<R> {
    let fault: unknown;
    const listen = (error: unknown) => {
      fault ??= error;
    };
    this.#keyv.on('error', listen);
    try {
      await this.#ready;
      const result = await work();
      if (fault !== undefined) throw fault;
      return result;
    } catch (error) {
      throw storeError(error, this.#file);
    } finally {
      this.#keyv.off('error', listen);
    }
  }
}

/** Makes the file where there is none, for its user alone: SQLite would make it readable by others. */
async function makePrivate(file: string): Promise<void> {
  await (await open(file, 'a', 0o600)).close();
  await chmod(file, 0o600);
}

/** Moves a file that is no whole SQLite database out of the way, with the files that belong to it. */
async function setAsideIfDamaged(file: string, log: Logger): Promise<void> {
  const before = await inodeOf(file);
  const fault = damageOf(file);
  // Another host that starts at the same moment may have set it aside already: what is there now is the new one.
  if (fault === undefined || (await inodeOf(file)) !== before) return;
  const aside = `${file}.corrupt-${Date.now()}`;
  log.error('store.corrupt', { file, aside, fault });
  for (const suffix of ['', '-wal', '-shm']) {
    await rename(`${file}${suffix}`, `${aside}${suffix}`).catch((error: unknown) => {
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

/** What is wrong with a database, if it is damaged; other faults (no space, no permission) are thrown. */
function damageOf(file: string): number | string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
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
