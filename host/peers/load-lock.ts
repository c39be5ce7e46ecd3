import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileLock } from '../common/file-lock.ts';
import type { PresencePaths } from '../presence/presence.ts';

/** Interval in milliseconds at which a waiting host tries again. */
const POLL_MS = 50;

/** The exclusive right to load a model. */
export interface LoadLock {
  release(): void;
}

/**
 * Waits until no other host of the user is loading a model, and then acquires the lock for loading it. The holder
 * releases the lock after announcing the model, so the next host uses the loaded copy.
 *
 * @param options.timeoutMs Time limit for waiting, because the other host may be suspended. After it, a lock without
 *   effect is returned.
 * @throws The signal's reason when aborted.
 */
export async function acquireLoadLock(
  { locks }: Pick<PresencePaths, 'locks'>,
  id: string,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<LoadLock> {
  // An id can be longer than a file name, and contains characters that file names cannot contain.
  const path = join(locks, `load-${createHash('sha256').update(id).digest('hex').slice(0, 32)}.lock`);
  for (const deadline = performance.now() + timeoutMs; ; ) {
    const lock = FileLock.try(path);
    if (lock !== undefined) return lock;
    if (performance.now() > deadline) return { release() {} };
    await delay(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
