/** Most entries read by one scan, over all programs. A large collection has a few thousand files. */
const MAX_ENTRIES = 50_000;

/** Limits a scan: it ends when `signal` is aborted or too many entries have been read. */
export class ScanBudget {
  readonly signal: AbortSignal;
  #remaining: number;

  constructor(signal: AbortSignal, entries = MAX_ENTRIES) {
    this.signal = signal;
    this.#remaining = entries;
  }

  /** Counts one entry. Returns false if the budget is used up. */
  spend(): boolean {
    this.#remaining -= 1;
    return this.#remaining >= 0 && !this.signal.aborted;
  }

  /** False once an entry has been skipped. */
  get hasCapacity(): boolean {
    return this.#remaining >= 0 && !this.signal.aborted;
  }
}
