/** The first pause before the host is tried again, milliseconds; it doubles with each further try. */
const FIRST_PAUSE_MS = 500;

/** The longest pause, milliseconds: a user who has just installed the host should not wait longer for the page to see it. */
const LONGEST_PAUSE_MS = 8_000;

/** A connection that lasted this long was a good one, milliseconds: the next loss is tried again at once. */
const GOOD_CONNECTION_MS = 10_000;

/** How long to wait before the host is tried again. */
export class BackOff {
  readonly #now: () => number;
  #failures = 0;
  #since: number | undefined;

  /** @param now The time, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A connection was made. */
  connected(): void {
    this.#since = this.#now();
  }

  /** A connection was lost or could not be made. Returns the pause before the next try, milliseconds. */
  lost(): number {
    if (this.#since !== undefined && this.#now() - this.#since >= GOOD_CONNECTION_MS) this.#failures = 0;
    this.#since = undefined;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    return pause;
  }

  /** Somebody asked for a new try: the pauses begin anew. */
  reset(): void {
    this.#failures = 0;
  }
}
