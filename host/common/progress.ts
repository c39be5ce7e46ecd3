/** Progress events of one piece of work are at least this far apart, in milliseconds; the last one is always sent. */
export const PROGRESS_INTERVAL_MS = 100;

/** Receives the progress of an operation, possibly very often; see {@link throttle}. */
export type ProgressListener<T> = (progress: T) => void;

/**
 * A listener that is called at most once per interval. Call `flush` at the end so that it receives the last progress.
 */
export interface ThrottledListener<T> {
  (progress: T): void;
  /** Passes on the last progress if it is pending. */
  flush(): void;
}

/** Passes on the first progress immediately, and then at most one per interval, always the latest. */
export function throttle<T>(
  listener: ProgressListener<T>,
  intervalMs: number = PROGRESS_INTERVAL_MS,
  now: () => number = () => performance.now(),
): ThrottledListener<T> {
  let lastSent = Number.NEGATIVE_INFINITY;
  let pending: { progress: T } | undefined;
  const send = (progress: T) => {
    pending = undefined;
    lastSent = now();
    listener(progress);
  };
  const throttled = (progress: T) => {
    if (now() - lastSent >= intervalMs) send(progress);
    else pending = { progress };
  };
  throttled.flush = () => {
    if (pending) send(pending.progress);
  };
  return throttled;
}
