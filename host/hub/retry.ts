import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { defined } from '../common/defined.ts';
import { isTransient } from './hub-error.ts';

/** Longest pause between two attempts, milliseconds. */
const MAX_DELAY_MS = 15_000;

/** How often and at which intervals to retry. */
export interface RetryLimits {
  readonly maxAttempts: number;
  /** Pause before the second attempt, milliseconds; doubled for each further one. */
  readonly retryBaseMs: number;
}

/**
 * Returns the pause before attempt number `attempt + 1`, milliseconds: what the hub requestedMs for, otherwise exponential
 * backoff with full jitter (as in AWS's "Exponential Backoff And Jitter"), so that many downloads do not retry at the
 * same moment.
 */
export function pauseBefore(
  attempt: number,
  error: unknown,
  { retryBaseMs }: Pick<RetryLimits, 'retryBaseMs'>,
): number {
  const requestedMs = isTransient(error) ? error.retryAfterMs : undefined;
  if (requestedMs !== undefined) return requestedMs;
  return Math.random() * Math.min(MAX_DELAY_MS, retryBaseMs * 2 ** attempt);
}

/** Waits for `ms` milliseconds. Throws the signal's reason if it is aborted first. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, defined({ signal }));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Runs `work` until it succeeds, fails permanently, or has been tried `maxAttempts` times; then the last error is
 * thrown.
 */
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

/**
 * Returns `Retry-After`, which is a number of seconds or a date, in milliseconds; undefined if it is missing or
 * invalid. Source: RFC 9110, 10.2.3.
 */
export function retryAfter(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
