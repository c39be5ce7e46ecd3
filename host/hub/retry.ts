import { setTimeout as delay } from 'node:timers/promises';
import { defined } from '../common/defined.ts';
import { type HubError, isTransient } from './hub-error.ts';

/** Maximum backoff between two attempts, in milliseconds. */
const MAX_DELAY_MS = 15_000;

/**
 * Maximum time that a download waits at a server's request, without receiving a byte, in milliseconds: an hour.
 * The hub's windows are five minutes. `docs/configuration.md` states it.
 */
export const MAX_WAIT_MS = 3_600_000;

/**
 * Maximum time that any other request waits at a server's request, in milliseconds: the user does not see why it waits.
 */
const MAX_SILENT_WAIT_MS = 5_000;

/** Minimum pause requested by a server that does not count as a failed attempt, in milliseconds. */
const MIN_REQUESTED_MS = 1_000;

/** Number of attempts and intervals between them. */
export interface RetryLimits {
  readonly maxAttempts: number;
  /** Pause before the second attempt, in milliseconds; doubled for each further attempt. */
  readonly retryBaseMs: number;
}

/** A pause before the next attempt. */
export interface RetryPause {
  /** `requested`: the server specified when it accepts requests again. */
  readonly reason: 'requested' | 'failed';
  readonly error: HubError;
  /** Start of the next attempt, in Unix milliseconds. */
  readonly until: number;
}

/**
 * Returns the pause before attempt number `attempt + 1`, in milliseconds: exponential backoff with full jitter (as in
 * AWS's "Exponential Backoff And Jitter"), which spreads the retries of many downloads, or longer if the hub asks to
 * wait longer.
 */
export function pauseBefore(
  attempt: number,
  error: unknown,
  { retryBaseMs }: Pick<RetryLimits, 'retryBaseMs'>,
): number {
  const backoff = Math.random() * Math.min(MAX_DELAY_MS, retryBaseMs * 2 ** attempt);
  return Math.max(backoff, isTransient(error) ? (error.retryAfterMs ?? 0) : 0);
}

/** Returns whether the server specified when it accepts requests again. Such a pause is not a failed attempt. */
export function isRequestedPause(error: unknown): error is HubError {
  return isTransient(error) && error.retryAfterMs !== undefined && error.retryAfterMs >= MIN_REQUESTED_MS;
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

/** Options for {@link retry}. */
export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: (error: unknown, attempt: number) => void;
  /** Called before each pause, and with undefined after it. */
  readonly onPause?: ((pause: RetryPause | undefined) => void) | undefined;
  /** Time limit for all attempts together, in milliseconds. Delays that the server requests do not count. */
  readonly limit?: { readonly ms: number; readonly error: (ms: number) => HubError };
}

/**
 * Runs `work` until it succeeds, fails permanently, or has failed `maxAttempts` times; then throws the last error.
 * Requested pauses do not count as attempts, but their total is limited to {@link MAX_WAIT_MS}, or to
 * {@link MAX_SILENT_WAIT_MS} without `onPause`, which shows them to the user.
 *
 * @param work Gets a signal that is aborted when the time limit is reached.
 */
export async function retry<T>(
  work: (signal: AbortSignal | undefined) => Promise<T>,
  limits: RetryLimits,
  options: RetryOptions = {},
): Promise<T> {
  const { signal, onRetry, onPause, limit } = options;
  let waitLeftMs = onPause === undefined ? MAX_SILENT_WAIT_MS : MAX_WAIT_MS;
  let leftMs = limit?.ms ?? Number.POSITIVE_INFINITY;
  for (let attempt = 0; ; ) {
    signal?.throwIfAborted();
    const startedAt = performance.now();
    const timeout = limit === undefined ? undefined : AbortSignal.timeout(Math.ceil(leftMs));
    try {
      return await work(timeout && signal ? AbortSignal.any([timeout, signal]) : (timeout ?? signal));
    } catch (error) {
      signal?.throwIfAborted();
      if (limit !== undefined && timeout?.aborted === true) throw limit.error(limit.ms);
      if (!isTransient(error)) throw error;
      const isRequested = isRequestedPause(error);
      if (!isRequested && attempt + 1 >= limits.maxAttempts) throw error;
      const pauseMs = pauseBefore(attempt, error, limits);
      leftMs -= performance.now() - startedAt;
      if (isRequested) {
        waitLeftMs -= pauseMs;
        if (waitLeftMs < 0) throw error;
      } else {
        attempt += 1;
        leftMs -= pauseMs;
        if (leftMs <= 0) throw error;
      }
      onRetry?.(error, attempt);
      onPause?.({ reason: isRequested ? 'requested' : 'failed', error, until: Date.now() + pauseMs });
      await pause(pauseMs, signal);
      onPause?.(undefined);
    }
  }
}
