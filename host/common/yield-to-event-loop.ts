import { setImmediate } from 'node:timers/promises';

/** Maximum time for which a computation blocks the event loop, in milliseconds: too short to be noticed. */
const SLICE_MS = 20;

/**
 * Returns a function that a long computation awaits at every step. It yields to the event loop if the computation has
 * blocked it for {@link SLICE_MS}, and then throws the signal's reason if the signal is aborted.
 */
export function createYielder(signal?: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < SLICE_MS) return;
    await setImmediate();
    since = performance.now();
    signal?.throwIfAborted();
  };
}
