import { setTimeout as delay } from 'node:timers/promises';
import { defined } from '../common/defined.ts';
import { isTransient } from './hub-fault.ts';

/** The longest pause between two tries, milliseconds. */
const MAX_DELAY_MS = 15_000;

/** How often and how patiently something is tried. */
export interface RetryLimits {
  readonly maxAttempts: number;
  /** The pause before the second try, milliseconds; it doubles with each further one. */
  readonly retryBaseMs: number;
}

/**
 * The pause before try number `attempt + 1`, milliseconds: what the hub asked for, else exponential back-off with full
 * jitter (as in AWS's "Exponential Backoff And Jitter"), so that many downloads do not come back all at once.
 */
export function pauseBefore(
  attempt: number,
  error: unknown,
  { retryBaseMs }: Pick<RetryLimits, 'retryBaseMs'>,
): number {
  const asked = isTransient(error) ? error.retryAfterMs : undefined;
  if (asked !== undefined) return asked;
  return Math.random() * Math.min(MAX_DELAY_MS, retryBaseMs * 2 ** attempt);
}

/** Waits; throws the signal's reason when it is aborted meanwhile. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, defined({ signal }));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Does `work` until it succeeds, fails for good, or has been tried often enough; the last fault is then thrown. */
export async function retry<T>(
  work: () => Promise<T>,
  limits: RetryLimits,
  options: { signal?: AbortSignal | undefined; onRetry?: (error: unknown, attempt: number) => void } = {},
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    options.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || attempt + 1 >= limits.maxAttempts) throw error;
      options.onRetry?.(error, attempt);
      await pause(pauseBefore(attempt, error, limits), options.signal);
    }
  }
}
