/** A source of time. Tests use one that they advance explicitly. */
export interface Clock {
  /** Returns monotonic time, in milliseconds. */
  now(): number;
  /** Calls `callback` after `ms` milliseconds. The returned function cancels the call. */
  after(ms: number, callback: () => void): () => void;
}

/** The system's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
