import type { Clock } from '../../../extension/worker/host-link.ts';

/** A clock that a test moves by hand. */
export class HandClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; callback: () => void }>();
  readonly #waiting = new Set<() => void>();

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    for (const wake of this.#waiting) wake();
    return () => this.#timers.delete(timer);
  }

  /** The pauses of the timers that are set, milliseconds, the shortest first. */
  get pauses(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }

  /** Resolves once a timer of this pause is set. */
  async isSet(ms: number): Promise<void> {
    while (!this.pauses.includes(ms)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}
