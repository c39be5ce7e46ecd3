import type { Clock } from '../../../extension/worker/host-link.ts';

/** A clock that a test advances. */
export class ManualClock implements Clock {
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

  /** The remaining times of the timers in milliseconds, shortest first. */
  get delays(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Advances the time. */
  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }

  /** Waits until a timer with this delay is set. */
  async waitForTimer(ms: number): Promise<void> {
    while (!this.delays.includes(ms)) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}
