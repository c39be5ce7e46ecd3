import type { HostError } from '../common/errors.ts';

/**
 * A deadline that can be extended. Its signal is aborted when the caller's signal is aborted or the time has elapsed.
 */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #own = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(caller: AbortSignal | undefined) {
    this.signal = caller === undefined ? this.#own.signal : AbortSignal.any([caller, this.#own.signal]);
  }

  /** Sets the deadline to `ms` milliseconds from now. `reason`: returns the reason with which the signal is aborted. */
  allow(ms: number, reason: () => HostError): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#own.abort(reason()), ms);
  }

  /** Removes the deadline. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
