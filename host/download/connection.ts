import type { ConnectionRate } from './slow-connections.ts';

/** A connection while it brings bytes. */
export class Connection implements ConnectionRate {
  readonly controller = new AbortController();
  readonly #begun = performance.now();
  #bytes = 0;
  rate = 0;
  /** There are too many: this one ends with the chunk it is at. */
  isLeaving = false;
  /** The last chunk that came over it, until it is entered. */
  entering: Promise<void> = Promise.resolve();

  get ageMs(): number {
    return performance.now() - this.#begun;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Ends an interval: of late is half this one, half those before. Gives the bytes of it. */
  look(elapsedMs: number): number {
    const bytes = this.#bytes;
    const rate = (bytes * 1000) / elapsedMs;
    this.rate = this.rate === 0 ? rate : (this.rate + rate) / 2;
    this.#bytes = 0;
    return bytes;
  }
}
