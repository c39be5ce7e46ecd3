import { closeSync, existsSync, mkdirSync, openSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { cacheError } from '../cache/cache-errors.ts';
import { SQLITE, sqliteCode } from '../store/sqlite-code.ts';

/**
 * A lock between processes that dies with its holder. Node has no file locks of its own, and a file with a process id
 * in it outlives a crash; a transaction on an (empty) SQLite database is a lock of the operating system.
 */
export class FileLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Takes the lock for itself, or gives undefined at once when another holder has it, alone or shared. */
  static try(path: string): FileLock | undefined {
    return FileLock.#open(path, 'BEGIN EXCLUSIVE');
  }

  /** Takes a share of the lock, of which there can be many, or gives undefined at once when somebody has it alone. */
  static share(path: string): FileLock | undefined {
    // What holds the share is the read: BEGIN by itself takes nothing.
    return FileLock.#open(path, 'BEGIN; SELECT count(*) FROM sqlite_master');
  }

  static #open(path: string, begin: string): FileLock | undefined {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return FileLock.#take(path, begin);
    } catch (error) {
      if (sqliteCode(error) !== SQLITE.NOTADB) throw cacheError(error, path);
    }
    try {
      // Something wrote to the file. Emptied in its place it is a lock again, for whoever has it open, too.
      truncateSync(path);
      return FileLock.#take(path, begin);
    } catch (error) {
      throw cacheError(error, path);
    }
  }

  static #take(path: string, begin: string): FileLock | undefined {
    // Made here, as SQLite would make it for all to read, and who can read it can hold up its locks.
    closeSync(openSync(path, 'a', 0o600));
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      // In memory: nothing is written, so a full disk does not keep anybody from the lock.
      database.exec(`PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; ${begin}`);
      return new FileLock(database);
    } catch (error) {
      database?.close();
      if (sqliteCode(error) === SQLITE.BUSY) return undefined;
      throw error;
    }
  }

  /** Says whether another holder has the lock. Makes no file: it is asked where the disk may be full, too. */
  static isHeld(path: string): boolean {
    if (!existsSync(path)) return false;
    const lock = FileLock.try(path);
    lock?.release();
    return lock === undefined;
  }

  release(): void {
    this.#database.close();
  }
}
