import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileLock } from '../common/file-lock.ts';
import type { PresencePaths } from '../presence/presence.ts';

/** How often a host that waits looks whether it is its turn, milliseconds. */
const POLL_MS = 50;

/** The right to load a model. */
export interface LoadTurn {
  release(): void;
}

/**
 * Waits until no other host of the user loads a model, so that the next one finds it loaded. Whoever has the turn keeps
 * it until it has announced the model.
 *
 * @param options.timeoutMs How long to wait: the other host may be suspended. Then the turn is without effect.
 * @throws the signal's reason when aborted.
 */
export async function takeLoadTurn(
  { locks }: Pick<PresencePaths, 'locks'>,
  id: string,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<LoadTurn> {
  // An ID can be longer than a file name, and has characters that one cannot have.
  const path = join(locks, `load-${createHash('sha256').update(id).digest('hex').slice(0, 32)}.lock`);
  for (const deadline = performance.now() + timeoutMs; ; ) {
    const lock = FileLock.try(path);
    if (lock !== undefined) return lock;
    if (performance.now() > deadline) return { release() {} };
    await delay(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
