import { HostError, isHostError } from '../common/errors.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** Errors of a hub that cannot be asked, as opposed to one that refuses. */
export const HUB_UNAVAILABLE: readonly ErrorCode[] = ['OFFLINE', 'HUB_UNREACHABLE'];

/**
 * How long a load waits for the hub where it can do without, milliseconds. A load asks at most twice, so a hub that does
 * not answer delays it by less than three seconds.
 */
export const HUB_PATIENCE_MS = 1_400;

/** Longest time for the hub to answer a listing or a search, milliseconds; with what else they need, below 15 seconds. */
export const LISTING_TIMEOUT_MS = 9_000;

/**
 * Asks the hub for at most `ms` milliseconds. Where it does not answer in time, or cannot be asked, returns undefined, or
 * with `endpoint` throws the error.
 */
export function answerOfHub<T>(
  signal: AbortSignal,
  ms: number,
  ask: (signal: AbortSignal) => Promise<T>,
  required: { readonly endpoint: string },
): Promise<T>;
export function answerOfHub<T>(
  signal: AbortSignal,
  ms: number,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined>;
export async function answerOfHub<T>(
  signal: AbortSignal,
  ms: number,
  ask: (signal: AbortSignal) => Promise<T>,
  required?: { readonly endpoint: string },
): Promise<T | undefined> {
  const limit = AbortSignal.timeout(ms);
  try {
    return await ask(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    const isLate = limit.aborted;
    if (required === undefined && (isLate || isHostError(error, ...HUB_UNAVAILABLE))) return undefined;
    if (!isLate || isHostError(error)) throw error;
    const { endpoint } = required ?? { endpoint: '' };
    throw new HostError('HUB_UNREACHABLE', `${endpoint} did not answer within ${ms / 1000} seconds. Try again later.`, {
      details: { host: endpoint, cause: 'ETIMEDOUT' },
    });
  }
}
