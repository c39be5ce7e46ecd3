/** What says how many threads an evaluation has. */
export interface ThreadCount {
  /** How many the next one should have. */
  readonly threads: number;
  /** Takes what an evaluation of so many tokens took, milliseconds. */
  took(tokens: number, ms: number): void;
  /** Hears for how many threads there are free cores now. */
  suggest(threads: number): void;
}

/**
 * As many threads as there are free cores. For texts that are embedded or ranked: each is of another length, so what
 * they take tells more of them than of the threads.
 */
export class FreeCores implements ThreadCount {
  #threads: number;

  /** @param first Threads until the first look at the load. */
  constructor(first: number) {
    this.#threads = first;
  }

  get threads(): number {
    return this.#threads;
  }

  took(): void {
    // Nothing is learned from it, see above.
  }

  suggest(threads: number): void {
    this.#threads = threads;
  }
}
