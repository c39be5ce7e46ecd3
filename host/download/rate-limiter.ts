import { setTimeout as delay } from 'node:timers/promises';

/** Burst after a pause, as a time at the allowed speed, in milliseconds: smooth, but not packet by packet. */
const BURST_MS = 250;

/** Limits the speed of all downloads of a host together: `take` waits while the limit is exceeded. */
export class RateLimiter {
  readonly #perMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** The limiter that also applies. */
  readonly #parent: RateLimiter | undefined;
  /** When all bytes taken so far are within the limit, on the clock of `now`. */
  #nextFreeAt: number;

  /** @param bytesPerSecond Undefined: no limit. Tests replace the clock. */
  constructor(
    bytesPerSecond: number | undefined,
    clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<unknown> } = {
      now: () => performance.now(),
      sleep: (ms, signal) => delay(ms, undefined, { signal }),
    },
    parent?: RateLimiter,
  ) {
    this.#parent = parent;
    this.#perMs = (bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
    this.#now = clock.now;
    this.#sleep = clock.sleep;
    this.#nextFreeAt = this.#now();
  }

  /** Returns a limiter for one download, to which this one applies too. */
  child(bytesPerSecond: number | undefined): RateLimiter {
    if (bytesPerSecond === undefined) return this;
    return new RateLimiter(bytesPerSecond, { now: this.#now, sleep: this.#sleep }, this);
  }

  /** Counts bytes that arrived, and resolves when more may arrive. Throws the signal's reason when aborted. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    await this.#parent?.take(bytes, signal);
    if (this.#perMs === Number.POSITIVE_INFINITY) return;
    const now = this.#now();
    this.#nextFreeAt = Math.max(this.#nextFreeAt, now - BURST_MS) + bytes / this.#perMs;
    if (this.#nextFreeAt <= now) return;
    await this.#sleep(this.#nextFreeAt - now, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
