import { pause } from '../hub/retry.ts';
import { RemoteFault } from './remote-fault.ts';

/** Tries of one request: an engine that does not run is told of within seconds. */
const MAX_ATTEMPTS = 3;

/**
 * Does `work` again while it fails for a reason that may pass, until it has been tried often enough; its last fault is
 * then thrown. The pause is what the engine asked for, else doubles.
 *
 * @param baseMs The pause before the second try, milliseconds.
 */
export async function retryRemote<T>(work: () => Promise<T>, baseMs: number, signal?: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RemoteFault) || !error.transient || attempt + 1 >= MAX_ATTEMPTS) throw error;
      await pause(error.retryAfterMs ?? baseMs * 2 ** attempt, signal);
    }
  }
}
