import type { HostError } from '../common/errors.ts';

/**
 * The end of a request's patience: aborts its signal when the caller does, or when nothing has come for as long as is
 * allowed just now.
 */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #own = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(caller: AbortSignal | undefined) {
    this.signal = caller === undefined ? this.#own.signal : AbortSignal.any([caller, this.#own.signal]);
  }

  /** Gives so many milliseconds from now on, in place of what was given before; `fault` is then the signal's reason. */
  allow(ms: number, fault: () => HostError): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#own.abort(fault()), ms);
  }

  /** Waits no more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
