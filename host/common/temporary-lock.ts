import { rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from './errors.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { longPath } from './long-path.ts';
import { createPrivateFile } from './private-file.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';

const RETRY_MS = 20;

/** Serializes the callers in this process, by lock. */
const queue = new KeyedQueue();

/**
 * Runs work under an exclusive lock against other callers in this process and other processes. In contrast to
 * `withFileLock`, no other file is needed, and nothing remains in the folder afterwards.
 *
 * @param path The file of the lock, in an existing folder.
 * @param timeoutMs How long to wait for the lock.
 * @returns The result of the work; undefined if another process held the lock for the whole time.
 * @throws The error of the file system if the file cannot be created; any error of the work.
 */
export function withTemporaryLock<T>(
  path: string,
  timeoutMs: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  return queue.run(path, async () => {
    const lock = await acquire(path, timeoutMs);
    if (lock === undefined) return undefined;
    try {
      return { result: await work() };
    } finally {
      release(lock, path);
    }
  });
}

async function acquire(path: string, timeoutMs: number): Promise<DatabaseSync | undefined> {
  for (const deadline = performance.now() + timeoutMs; ; await delay(RETRY_MS)) {
    const lock = take(path);
    if (lock !== undefined || performance.now() > deadline) return lock;
  }
}

/** Tries to lock the file. A transaction of SQLite uses a lock of the system, which ends with the process. */
function take(path: string): DatabaseSync | undefined {
  createPrivateFile(path);
  const before = identityOf(path);
  const database = new DatabaseSync(longPath(path));
  try {
    // With the journal in memory, nothing is written to the disk.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (sqliteCode(error) === SQLITE.BUSY) return undefined;
    throw error;
  }
  // The previous holder may have removed the file that was opened; a lock on it would exclude nobody.
  if (before !== undefined && before === identityOf(path)) return database;
  database.close();
  return undefined;
}

function release(database: DatabaseSync, path: string): void {
  // Windows does not remove open files. There, removing also fails if the next process has already opened the file.
  if (process.platform === 'win32') database.close();
  try {
    rmSync(path, { force: true });
  } catch (error) {
    if (!isSystemError(error, 'EBUSY', 'EPERM', 'EACCES')) throw error;
  } finally {
    if (database.isOpen) database.close();
  }
}

/** Returns the identity of a file; undefined if it does not exist. File systems use the number of a removed file again. */
function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
}
