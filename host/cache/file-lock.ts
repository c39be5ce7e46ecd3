import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SQLITE, sqliteCode } from '../store/sqlite-code.ts';
import { cacheError } from './cache-error.ts';

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
      if (sqliteCode(error) === SQLITE.BUSY) return undefined;
      throw cacheError(error, path);
    }
  }

  release(): void {
    this.#database.close();
  }
}
