import { existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { cacheError } from './cache-errors.ts';
import { HostError, isSystemError } from './errors.ts';
import { longPath } from './long-path.ts';
import { createPrivateFile } from './private-file.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';

/** Name of the guard: a lock that a process holds while it acquires, releases or checks other locks in the folder. */
const GUARD_FILE = '.guard';
/** Time limit for acquiring the guard, in milliseconds. A process normally holds it for less than one millisecond. */
const GUARD_TIMEOUT_MS = 5_000;

/** Names of the files of locks: of work, and of a model in use. */
const LOCK_FILE = /\.(lock|use)$/;
/** Maximum number of files that a process checks when it first uses a folder. Each takes less than a millisecond. */
const MAX_CHECKED = 100;

const EXCLUSIVE = 'BEGIN EXCLUSIVE';
/** The read acquires the shared lock; BEGIN alone acquires none. */
const SHARED = 'BEGIN; SELECT count(*) FROM sqlite_master';

/** A lock that this process holds. */
interface OwnLock {
  readonly path: string;
  /** Identity of the file; see {@link identityOf}. */
  readonly identity: string;
  readonly database: DatabaseSync;
  readonly isExclusive: boolean;
  /** Number of {@link FileLock}s that hold it; at most one if it is exclusive. */
  holders: number;
}

/**
 * The locks of this process, by the identity of the file. The file of a lock in this map must not be opened again: on
 * POSIX, closing any descriptor of a file releases all locks of the process on it.
 */
const ownLocks = new Map<string, OwnLock>();

/** The folders from which this process has removed the files that killed processes left. */
const cleanedFolders = new Set<string>();

/**
 * A lock between processes, and within a process, that the system releases when the process ends. Node.js does not
 * support file locks, and a file with a process id outlives a crash; a transaction on an (empty) SQLite database uses a
 * lock of the operating system.
 *
 * SQLite can say whether a lock is free only by taking it. So everything happens under the guard of the lock's folder,
 * and no process sees a lock that another one takes only to check it. The file of a lock exists while the lock is held;
 * one that a killed process left is removed by the next process that checks the lock, or that first uses its folder.
 */
export class FileLock {
  readonly #lock: OwnLock;
  #isReleased = false;

  private constructor(lock: OwnLock) {
    this.#lock = lock;
    lock.holders += 1;
  }

  /** Tries to lock exclusively. Returns undefined if the file is locked, exclusively or shared. Does not wait. */
  static try(path: string): FileLock | undefined {
    return FileLock.#take(path, true);
  }

  /** Tries to lock in shared mode. Returns undefined if the file is locked exclusively. Does not wait. */
  static share(path: string): FileLock | undefined {
    return FileLock.#take(path, false);
  }

  /** Returns whether any process, including this one, has locked the file. Does not create a file. */
  static isHeld(path: string): boolean {
    if (ownLockOf(path) !== undefined) return true;
    if (!existsSync(path)) return false;
    return withGuard(path, (file) => !removeIfFree(file));
  }

  static #take(path: string, isExclusive: boolean): FileLock | undefined {
    const own = ownLockOf(path);
    if (own !== undefined) return isExclusive || own.isExclusive ? undefined : new FileLock(own);
    return withGuard(path, (file) => {
      const database = begin(file, isExclusive ? EXCLUSIVE : SHARED);
      if (database === undefined) return undefined;
      const lock: OwnLock = { path: file, identity: identityOf(file) ?? file, database, isExclusive, holders: 0 };
      ownLocks.set(lock.identity, lock);
      return new FileLock(lock);
    });
  }

  /** Releases the lock. Further calls do nothing. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const lock = this.#lock;
    lock.holders -= 1;
    if (lock.holders > 0) return;
    ownLocks.delete(lock.identity);
    lock.database.close();
    try {
      if (existsSync(lock.path)) withGuard(lock.path, removeIfFree);
    } catch {
      // The lock is free even if its file remains. The next process that checks it removes the file.
    }
  }
}

function ownLockOf(path: string): OwnLock | undefined {
  if (ownLocks.size === 0) return undefined;
  const identity = identityOf(path);
  return identity === undefined ? undefined : ownLocks.get(identity);
}

/** Returns the identity of a file, independent of its path; undefined if it does not exist. Does not open the file. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** Runs `work` on a lock while no other process acquires, releases or checks a lock in the same folder. */
function withGuard<T>(path: string, work: (realPath: string) => T): T {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = realPathOf(path);
    const guard = begin(join(dirname(file), GUARD_FILE), EXCLUSIVE, GUARD_TIMEOUT_MS);
    if (guard === undefined) {
      throw new HostError(
        'CACHE_ERROR',
        `Another program blocks the locks in ${dirname(file)}. Close the other hosts and try again.`,
        { details: { path: dirname(file) } },
      );
    }
    try {
      removeLeftFiles(dirname(file));
      return work(file);
    } finally {
      guard.close();
    }
  } catch (error) {
    throw cacheError(error, path);
  }
}

/** Removes the lock files that killed processes left in a folder, once in this process. The caller must hold the guard. */
function removeLeftFiles(folder: string): void {
  if (cleanedFolders.has(folder)) return;
  cleanedFolders.add(folder);
  const names = readdirSync(folder).filter((name) => LOCK_FILE.test(name));
  for (const name of names.slice(0, MAX_CHECKED)) {
    const path = join(folder, name);
    try {
      // A link, or a file with content, is not the file of a lock.
      const stats = lstatSync(path);
      if (stats.isFile() && stats.size === 0 && ownLockOf(path) === undefined) removeIfFree(path);
    } catch {
      // It does not prevent the use of other locks. The next process tries again.
    }
  }
}

/** Returns the path without symbolic links. The file need not exist. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    return join(realpathSync(dirname(path)), basename(path));
  }
}

/** Removes the file of a lock if the lock is free; returns whether it is. The caller must hold the guard. */
function removeIfFree(path: string): boolean {
  if (!existsSync(path)) return true;
  const database = begin(path, EXCLUSIVE);
  if (database === undefined) return false;
  // Windows does not remove open files. No other process can acquire the lock here, because this one holds the guard.
  database.close();
  rmSync(path, { force: true });
  return true;
}

/** Begins the transaction that holds the lock. Returns undefined if another process holds a conflicting lock. */
function begin(path: string, transaction: string, timeoutMs = 0): DatabaseSync | undefined {
  try {
    return beginOn(path, transaction, timeoutMs);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE.NOTADB) throw error;
  }
  // Another program wrote to the file. The lock is free; otherwise, SQLite would have reported it as busy.
  truncateSync(path);
  return beginOn(path, transaction, timeoutMs);
}

function beginOn(path: string, transaction: string, timeout: number): DatabaseSync | undefined {
  createPrivateFile(path);
  const database = new DatabaseSync(longPath(path), { timeout });
  try {
    // Nothing is written to the disk, because the journal is in memory. Locking therefore works on a full disk.
    database.exec(`PRAGMA journal_mode = MEMORY; ${transaction}`);
    return database;
  } catch (error) {
    database.close();
    if (sqliteCode(error) === SQLITE.BUSY) return undefined;
    throw error;
  }
}
