/** Most entries one scan looks at, over all programs. A large collection has some thousands of files. */
const MAX_ENTRIES = 50_000;

/** What one scan may still do: it ends with `signal` or when too many entries were looked at, whichever comes first. */
export class ScanBudget {
  readonly signal: AbortSignal;
  #left: number;

  constructor(signal: AbortSignal, entries = MAX_ENTRIES) {
    this.signal = signal;
    this.#left = entries;
  }

  /** Takes one entry's worth; false when there is nothing left to spend. */
  spend(): boolean {
    this.#left -= 1;
    return this.#left >= 0 && !this.signal.aborted;
  }

  /** False once something was left out. */
  get isWhole(): boolean {
    return this.#left >= 0 && !this.signal.aborted;
  }
}
