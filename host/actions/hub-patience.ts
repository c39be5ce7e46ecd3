import { isHostError } from '../common/errors.ts';
import { ActivityWatch } from '../download/activity.ts';
import { noAnswer } from '../hub/hub-error.ts';
import type { RetryPause } from '../hub/retry.ts';
import type { DownloadActivity } from '../model-files/types.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Call } from './action.ts';

/** Errors of a hub that cannot be reached, as opposed to one that refuses a request. */
export const HUB_UNAVAILABLE: readonly ErrorCode[] = ['OFFLINE', 'HUB_UNREACHABLE'];

/**
 * How long a request that does not need the hub waits for its answer, milliseconds. After a hub that did not answer, such
 * requests do not ask it again for a while ({@link HubSilence}), so that it delays a load by less than three seconds
 * however many files the load has.
 */
const BRIEF_MS = 1_400;

/** Time limit for the hub to answer a listing or a search, milliseconds. The whole request takes below 15 seconds. */
export const LISTING_TIMEOUT_MS = 9_000;

/** How often a request reports that it is still waiting for the hub, milliseconds. */
const REPORT_INTERVAL_MS = 500;

/** Receives what a request waits for before its download starts: a silent hub, or a rate limit. */
export type WaitListener = (activity: DownloadActivity) => void;

/**
 * Asks the hub for at most `ms` milliseconds.
 *
 * @param ask Gets a signal that is aborted when the time is up.
 * @throws HostError `HUB_UNREACHABLE` if it does not answer in time; what `ask` throws.
 */
export async function askHub<T>(
  { services, signal }: Pick<Call, 'services' | 'signal'>,
  ms: number,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(ms);
  try {
    return await ask(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted || isHostError(error)) throw error;
    throw noAnswer(services.config.hubEndpoint, ms);
  }
}

/**
 * Asks the hub what a request does not need to know. Returns undefined if the hub cannot be reached, refuses, or does not
 * answer in time.
 */
export async function askHubBriefly<T>(
  call: Pick<Call, 'services' | 'signal'>,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const { hubSilence } = call.services;
  if (hubSilence.isRecent) return undefined;
  try {
    return await askHub(call, BRIEF_MS, ask);
  } catch (error) {
    call.signal.throwIfAborted();
    if (!isHostError(error)) throw error;
    if (isHostError(error, ...HUB_UNAVAILABLE)) hubSilence.record();
    return undefined;
  }
}

/**
 * Sends a request that a download needs, with the time limits of a download, and reports what it waits for.
 *
 * @param ask Gets a listener for the pauses between attempts; with it, the hub may ask to wait.
 */
export async function askPatiently<T>(
  { services }: Pick<Call, 'services'>,
  onWait: WaitListener,
  ask: (onPause: (pause: RetryPause | undefined) => void) => Promise<T>,
): Promise<T> {
  const watch = new ActivityWatch(services.config.limits.stallTimeoutMs);
  watch.asking = undefined;
  const report = () => {
    const { current } = watch;
    if (current.stalledSince !== undefined || current.next !== undefined) onWait(current);
  };
  const timer = setInterval(report, REPORT_INTERVAL_MS);
  try {
    return await ask((pause) => {
      watch.asking = pause;
      report();
    });
  } finally {
    clearInterval(timer);
  }
}
