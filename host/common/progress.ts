import { PROGRESS_INTERVAL_MS } from '../protocol/limits.ts';

/** Hears how far a piece of work has come. Called as often as the worker likes; see {@link throttle}. */
export type ProgressListener<T> = (progress: T) => void;

/** A listener that is called at most every `PROGRESS_INTERVAL_MS`, and with `flush` always hears the last. */
export interface ThrottledListener<T> {
  (progress: T): void;
  /** Passes on what was held back, at the end of the work. */
  flush(): void;
}

/** Lets the first progress through at once and then at most one each interval, always the newest. */
export function throttle<T>(
  listener: ProgressListener<T>,
  intervalMs: number = PROGRESS_INTERVAL_MS,
  now: () => number = () => performance.now(),
): ThrottledListener<T> {
  let lastSent = Number.NEGATIVE_INFINITY;
  let held: { progress: T } | undefined;
  const send = (progress: T) => {
    held = undefined;
    lastSent = now();
    listener(progress);
  };
  const throttled = (progress: T) => {
    if (now() - lastSent >= intervalMs) send(progress);
    else held = { progress };
  };
  throttled.flush = () => {
    if (held) send(held.progress);
  };
  return throttled;
}
