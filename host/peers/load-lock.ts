import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileLock } from '../common/file-lock.ts';
import type { PresencePaths } from '../presence/presence.ts';

/** How often a waiting host tries again, milliseconds. */
const POLL_MS = 50;

/** The right to load a model. */
export interface LoadLock {
  release(): void;
}

/**
 * Waits until no other host of the user is loading a model, and locks it. The holder releases the lock after it has
 * announced the model, so the next host uses that copy.
 *
 * @param options.timeoutMs How long to wait, since the other host may be suspended. Then the returned lock has no effect.
 * @throws the signal's reason when aborted.
 */
export async function acquireLoadLock(
  { locks }: Pick<PresencePaths, 'locks'>,
  id: string,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<LoadLock> {
  // An ID can be longer than a file name, and has characters that a file name cannot have.
  const path = join(locks, `load-${createHash('sha256').update(id).digest('hex').slice(0, 32)}.lock`);
  for (const deadline = performance.now() + timeoutMs; ; ) {
    const lock = FileLock.try(path);
    if (lock !== undefined) return lock;
    if (performance.now() > deadline) return { release() {} };
    await delay(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
