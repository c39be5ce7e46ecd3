import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from './errors.ts';
import { FileLock } from './file-lock.ts';
import { KeyedQueue } from './keyed-queue.ts';

/** How long to wait for other processes, in milliseconds. Work under such a lock takes a few milliseconds. */
const TIMEOUT_MS = 10_000;
const RETRY_MS = 10;

/** The callers of this process, by lock, in the order of their calls. */
const queue = new KeyedQueue();

/**
 * Runs work while no other caller, in this process or another, runs work under the same lock: for reading, changing and
 * writing back data that hosts share. The work must be short, and must not wait for a user or the network.
 *
 * @throws HostError `CACHE_ERROR` if another process holds the lock for too long; also any error of the lock or the
 * work.
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
