/** Minimum interval between progress events of an operation, in milliseconds. The last one is always sent. */
export const PROGRESS_INTERVAL_MS = 100;

/** Receives the progress of an operation. May be called very often; see {@link throttle}. */
export type ProgressListener<T> = (progress: T) => void;

/**
 * A listener that forwards progress at most once per interval. Call `flush` at the end to forward the last progress.
 */
export interface ThrottledListener<T> {
  (progress: T): void;
  /** Forwards the last progress if it has not been forwarded. */
  flush(): void;
}

/** Returns a listener that forwards the first progress immediately, and then the latest at most once per interval. */
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
