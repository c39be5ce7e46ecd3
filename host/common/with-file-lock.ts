import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from './errors.ts';
import { FileLock } from './file-lock.ts';
import { KeyedQueue } from './keyed-queue.ts';

/** How long to wait for other processes, milliseconds. What is done under such a lock takes a few. */
const TIMEOUT_MS = 10_000;
const RETRY_MS = 10;

/** The callers of this process, by lock: they go in the order in which they came. */
const queue = new KeyedQueue();

/**
 * Does work while nobody else, in this process or another, does work under the same lock: to read something that hosts
 * share, change it and write it back. Keep the work short, and call nothing in it that waits for a user or a network.
 *
 * @throws HostError `CACHE_ERROR` where another process has the lock for too long; what taking the lock or the work throws.
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
