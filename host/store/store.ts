import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import KeyvSqlite from '@keyv/sqlite';
import Keyv from 'keyv';
import { isHostError } from '../common/errors.ts';
import { type Lazy, lazy } from '../common/lazy.ts';
import type { Logger } from '../common/log.ts';
import { longPath } from '../common/long-path.ts';
import { createPrivateFile } from '../common/private-file.ts';
import { damageOf, setAside } from './damaged-database.ts';
import { storeError } from './store-error.ts';
import type { Namespace, Store } from './types.ts';

/** How long a write waits for writes of other hosts, in milliseconds. A write takes well under a millisecond. */
const BUSY_TIMEOUT_MS = 5_000;

/** Number of rows per read when the entries of a namespace are listed. */
const ROWS_PER_READ = 500;

/**
 * Opens the host's database, and creates it if it does not exist: private to the user, and in WAL mode, which allows
 * several hosts to use it. A damaged database is renamed and replaced with an empty one: it is an index and contains no
 * model. A database that cannot be written can still be read; writes fail until it can be written.
 *
 * @throws HostError `CACHE_ERROR`; `DISK_FULL` or `CACHE_NOT_WRITABLE` if the database does not exist yet.
 */
export async function openStore(file: string, log: Logger): Promise<Store> {
  const prepared = lazy(() => prepare(file, log));
  try {
    await prepared();
  } catch (error) {
    if (!isNotWritable(error) || !existsSync(file)) throw error;
    log.warn('store.not-writable', { file, error });
  }
  return new KeyvStore(file, prepared);
}

function isNotWritable(error: unknown): boolean {
  return isHostError(error, 'CACHE_NOT_WRITABLE', 'DISK_FULL');
}

async function prepare(file: string, log: Logger): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await makePrivate(file);
    const damage = await damageOf(file, BUSY_TIMEOUT_MS);
    if (damage !== undefined) {
      const aside = await setAside(file, damage);
      log.error('store.corrupt', { file, aside, damage: damage.found });
    }
    await makePrivate(file);
  } catch (error) {
    throw storeError(error, file);
  }
}

/** A store of keyv namespaces, each in its own table of a SQLite file. */
class KeyvStore implements Store {
  readonly #file: string;
  readonly #prepared: Lazy<void>;
  readonly #open = new Map<string, KeyvNamespace<unknown>>();

  /** @param prepared Prepares the file for writing. */
  constructor(file: string, prepared: Lazy<void>) {
    this.#file = file;
    this.#prepared = prepared;
  }

  namespace<T>(name: string): Namespace<T> {
    let namespace = this.#open.get(name);
    if (namespace === undefined) {
      namespace = new KeyvNamespace(this.#file, name, this.#prepared);
      this.#open.set(name, namespace);
    }
    // Only the owner of a namespace writes to it, and validates values when it reads them if necessary.
    return namespace as Namespace<T>;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((namespace) => namespace.close()));
    this.#open.clear();
  }
}

/** The call in whose asynchronous context keyv runs, and to which an `error` event belongs. */
interface Call {
  error?: unknown;
}

/** An open table of the database. */
interface Table {
  readonly keyv: Keyv;
  readonly adapter: KeyvSqlite;
}

class KeyvNamespace<T> implements Namespace<T> {
  readonly #calls = new AsyncLocalStorage<Call>();
  readonly #file: string;
  readonly #name: string;
  /** Opened again after a failure, whose cause, such as a full disk, may be temporary. */
  readonly #table: Lazy<Table>;

  constructor(file: string, name: string, prepared: Lazy<void>) {
    this.#file = file;
    this.#name = name;
    this.#table = lazy(async () => {
      await prepared();
      return this.#open(file, name);
    });
  }

  get(key: string): Promise<T | undefined> {
    return this.#read(
      ({ keyv }) => keyv.get<T>(key),
      (all) => all.get(key),
    );
  }

  getMany(keys: readonly string[]): Promise<(T | undefined)[]> {
    return keys.length === 0
      ? Promise.resolve([])
      : this.#read(
          ({ keyv }) => keyv.getMany<T>([...keys]),
          (all) => keys.map((key) => all.get(key)),
        );
  }

  async set(key: string, value: T): Promise<void> {
    await this.#run(({ keyv }) => keyv.set(key, value));
  }

  async delete(key: string): Promise<void> {
    await this.#run(({ keyv }) => keyv.delete(key));
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#run(({ keyv }) => keyv.deleteMany([...keys]));
  }

  async *entries(): AsyncGenerator<[key: string, value: T]> {
    const all = await this.#read(
      async ({ keyv }) => {
        const entries: [string, T][] = [];
        for await (const [key, value] of keyv.iterator()) entries.push([String(key), value as T]);
        return entries;
      },
      (entries) => [...entries],
    );
    yield* all;
  }

  async close(): Promise<void> {
    const table = await this.#table.current();
    if (table === undefined) return;
    await this.#run(() => table.adapter.close());
  }

  /**
   * Opens a table. SQLite syncs the write-ahead log only at checkpoints, because syncing after each write would block
   * the host on a busy disk. Writes survive the end of the host; a power failure can lose the last ones, which is
   * harmless because the index is compared with the disk.
   */
  async #open(file: string, name: string): Promise<Table> {
    const adapter = new KeyvSqlite({
      uri: `sqlite://${longPath(file)}`,
      table: name,
      driver: 'node:sqlite',
      wal: true,
      busyTimeout: BUSY_TIMEOUT_MS,
      iterationLimit: ROWS_PER_READ,
    });
    const keyv = new Keyv({ store: adapter });
    // Keyv reports some errors only as events of the instance. `#run` throws them from the call that caused them. An
    // event outside of a call is ignored; without a listener, it would end the process.
    keyv.on('error', (error: unknown) => {
      const call = this.#calls.getStore();
      if (call !== undefined) call.error ??= error;
    });
    try {
      await adapter.ready;
      await adapter.query('PRAGMA synchronous = NORMAL');
      return { keyv, adapter };
    } catch (error) {
      // The error of opening is more important than that of closing.
      await adapter.close().catch(() => {});
      throw error;
    }
  }

  /**
   * Runs a call that only reads. If the file cannot be opened for writing, calls `fallback` with the table's entries.
   */
  async #read<R>(work: (table: Table) => Promise<R>, fallback: (all: ReadonlyMap<string, T>) => R): Promise<R> {
    try {
      return await this.#run(work);
    } catch (error) {
      if (!isNotWritable(error) || !existsSync(this.#file)) throw error;
      const { readTable } = await import('./read-only.ts');
      // As with values from keyv, the owner of a namespace validates them if necessary.
      return fallback(readTable(this.#file, this.#name) as ReadonlyMap<string, T>);
    }
  }

  /**
   * Runs a call of keyv. Rejects if keyv reports an error as an event during this call.
   */
  async #run<R>(work: (table: Table) => Promise<R>): Promise<R> {
    const call: Call = {};
    try {
      const table = await this.#table();
      const result = await this.#calls.run(call, () => work(table));
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
