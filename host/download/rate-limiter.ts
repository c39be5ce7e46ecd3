import { setTimeout as delay } from 'node:timers/promises';

/** Burst that is allowed after a pause, as the time it takes at the allowed rate, in milliseconds. */
const BURST_MS = 250;

/** Limits the total rate of all downloads of a host: `take` waits while the limit is exceeded. */
export class RateLimiter {
  readonly #perMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** A limiter that applies in addition. */
  readonly #parent: RateLimiter | undefined;
  /** Time from which all bytes taken so far are within the limit, on the clock of `now`. */
  #nextFreeAt: number;

  /** @param bytesPerSecond The limit; undefined for none. @param clock Replaced in tests. */
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

  /** Returns a limiter for one download. This limiter applies to it as well. */
  child(bytesPerSecond: number | undefined): RateLimiter {
    if (bytesPerSecond === undefined) return this;
    return new RateLimiter(bytesPerSecond, { now: this.#now, sleep: this.#sleep }, this);
  }

  /** Counts received bytes and resolves when more may be received. Throws the signal's reason when aborted. */
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
