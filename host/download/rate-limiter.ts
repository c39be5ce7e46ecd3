import { setTimeout as delay } from 'node:timers/promises';

/** Bytes that may come at once after a pause, as a time at the allowed speed, milliseconds: smooth, but not by the packet. */
const BURST_MS = 250;

/** Keeps all downloads of a host together below a speed: whoever takes more than there is waits until there is. */
export class RateLimiter {
  readonly #perMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** What this one is a part of. */
  readonly #parent: RateLimiter | undefined;
  /** When all that was taken is paid for, on the clock of `now`. */
  #nextFreeAt: number;

  /** @param bytesPerSecond Undefined: no limit. The clock and the sleep are for tests to replace. */
  constructor(
    bytesPerSecond: number | undefined,
    clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<unknown> } = {
      now: () => performance.now(),
      sleep: (ms, signal) => delay(ms, undefined, { signal }),
    },
    whole?: RateLimiter,
  ) {
    this.#parent = whole;
    this.#perMs = (bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
    this.#now = clock.now;
    this.#sleep = clock.sleep;
    this.#nextFreeAt = this.#now();
  }

  /** The allowance of one download out of this one: also below `bytesPerSecond`, where there is such a limit. */
  child(bytesPerSecond: number | undefined): RateLimiter {
    if (bytesPerSecond === undefined) return this;
    return new RateLimiter(bytesPerSecond, { now: this.#now, sleep: this.#sleep }, this);
  }

  /** Takes bytes that have come; resolves when the next may. Throws the signal's reason when aborted. */
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
