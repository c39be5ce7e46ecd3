import type { HostError } from '../common/errors.ts';

/** A deadline that can be moved: its signal is aborted when the caller's is, or when the time is over. */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #own = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(caller: AbortSignal | undefined) {
    this.signal = caller === undefined ? this.#own.signal : AbortSignal.any([caller, this.#own.signal]);
  }

  /** Sets the deadline to so many milliseconds from now; `reason` then returns the signal's reason. */
  allow(ms: number, reason: () => HostError): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#own.abort(reason()), ms);
  }

  /** Removes the deadline. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
