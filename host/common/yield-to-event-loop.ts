import { setImmediate } from 'node:timers/promises';

/** How long a computation may block the event loop, in milliseconds: too short to be noticed. */
const SLICE_MS = 20;

/**
 * Creates a function that a long computation awaits at every step. It yields to the event loop when the computation has
 * blocked it long enough, and then throws the signal's reason if the signal is aborted.
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
