import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { cacheError } from './cache-error.ts';

/** SQLite's result code for a lock somebody else holds. Source: sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;

/**
 * A lock between processes that dies with its holder. Node has no file locks of its own, and a file with a process id
 * in it outlives a crash; an exclusive transaction on an (empty) SQLite database is a lock of the operating system.
 */
export class FileLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Takes the lock, or gives undefined at once when another process has it. */
  static try(path: string): FileLock | undefined {
    let database: DatabaseSync | undefined;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      database = new DatabaseSync(path);
      database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
      return new FileLock(database);
    } catch (error) {
      database?.close();
      if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return undefined;
      throw cacheError(error, path);
    }
  }

  release(): void {
    this.#database.close();
  }
}
