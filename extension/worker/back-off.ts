/** The first delay before reconnecting, milliseconds. It doubles with each attempt. */
const FIRST_DELAY_MS = 500;

/** The longest delay, milliseconds: a page should notice a new installation of the host within seconds. */
const LONGEST_DELAY_MS = 8_000;

/** A connection that lasted this long resets the delay, milliseconds. */
const STABLE_CONNECTION_MS = 10_000;

/** Computes the delay before the next attempt to reach the host. */
export class BackOff {
  readonly #now: () => number;
  #failures = 0;
  #since: number | undefined;

  /** @param now Returns the time, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Records that a connection was made. */
  connected(): void {
    this.#since = this.#now();
  }

  /** Records that a connection was lost or failed. Returns the delay before the next attempt, milliseconds. */
  lost(): number {
    if (this.#since !== undefined && this.#now() - this.#since >= STABLE_CONNECTION_MS) this.#failures = 0;
    this.#since = undefined;
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    return delay;
  }

  /** Starts again with the first delay. */
  reset(): void {
    this.#failures = 0;
  }
}
