import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from './errors.ts';
import { FileLock } from './file-lock.ts';
import { KeyedQueue } from './keyed-queue.ts';

/** Time limit for acquiring the lock, in milliseconds. Work under such a lock takes a few milliseconds. */
const TIMEOUT_MS = 10_000;
const RETRY_MS = 10;

/** Serializes the callers in this process, by lock. */
const queue = new KeyedQueue();

/**
 * Runs work under an exclusive lock against other callers in this process and other processes: for reading, changing
 * and writing data that hosts share. The work must be short and must not wait for a user or the network.
 *
 * @throws HostError `CACHE_ERROR` if another process holds the lock for too long; any error of the lock or the work.
 */
export function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  return queue.run(path, async () => {
    const lock = await acquire(path);
    try {
      return await work();
    } finally {
      lock.release();
    }
  });
}

async function acquire(path: string): Promise<FileLock> {
  for (const deadline = performance.now() + TIMEOUT_MS; ; await delay(RETRY_MS)) {
    const lock = FileLock.try(path);
    if (lock !== undefined) return lock;
    if (performance.now() > deadline) {
      throw new HostError('CACHE_ERROR', `Another host has locked ${path}. Close the other hosts and try again.`, {
        details: { path },
      });
    }
  }
}
