import { setTimeout as delay } from 'node:timers/promises';

/** Bytes that may come at once after a pause, as a time at the allowed speed, milliseconds: smooth, but not by the packet. */
const BURST_MS = 250;

/** Keeps all downloads of a host together below a speed: whoever takes more than there is waits until there is. */
export class ByteAllowance {
  readonly #perMs: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** What this one is a part of. */
  readonly #whole: ByteAllowance | undefined;
  /** When all that was taken is paid for, on the clock of `now`. */
  #paidAt: number;

  /** @param bytesPerSecond Undefined: no limit. The clock and the sleep are for tests to replace. */
  constructor(
    bytesPerSecond: number | undefined,
    clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<unknown> } = {
      now: () => performance.now(),
      sleep: (ms, signal) => delay(ms, undefined, { signal }),
    },
    whole?: ByteAllowance,
  ) {
    this.#whole = whole;
    this.#perMs = (bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
    this.#now = clock.now;
    this.#sleep = clock.sleep;
    this.#paidAt = this.#now();
  }

  /** The allowance of one download out of this one: also below `bytesPerSecond`, where there is such a limit. */
  partOf(bytesPerSecond: number | undefined): ByteAllowance {
    if (bytesPerSecond === undefined) return this;
    return new ByteAllowance(bytesPerSecond, { now: this.#now, sleep: this.#sleep }, this);
  }

  /** Takes bytes that have come; resolves when the next may. Throws the signal's reason when aborted. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    await this.#whole?.take(bytes, signal);
    if (this.#perMs === Number.POSITIVE_INFINITY) return;
    const now = this.#now();
    this.#paidAt = Math.max(this.#paidAt, now - BURST_MS) + bytes / this.#perMs;
    if (this.#paidAt <= now) return;
    await this.#sleep(this.#paidAt - now, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
