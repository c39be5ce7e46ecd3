import { setImmediate } from 'node:timers/promises';

/** Longest that a computation holds up everything else in the process, milliseconds: less than anybody notices. */
const HOLD_MS = 20;

/**
 * Makes a pause for a long computation to await at every step: it lets the rest of the process run when it is time, and
 * throws the signal's reason when nobody wants the result any more.
 */
export function createYielder(signal?: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < HOLD_MS) return;
    await setImmediate();
    since = performance.now();
    signal?.throwIfAborted();
  };
}
