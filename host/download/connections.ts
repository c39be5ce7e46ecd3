/** How a connection performs. */
export interface ConnectionRate {
  /** Milliseconds since it was opened. */
  readonly ageMs: number;
  /** Recent bytes per second. */
  readonly rate: number;
}

/** A connection of a download while it receives bytes. */
export class Connection implements ConnectionRate {
  readonly controller = new AbortController();
  readonly #openedAt = performance.now();
  #bytes = 0;
  /** Whether the server sends bytes over it. */
  isReceiving = false;
  rate = 0;
  /** When it last recorded what arrived of its current chunk. */
  partialRecordedAt = performance.now();
  /** There are too many connections: this one ends after its current chunk. */
  isLeaving = false;
  /** Settles when the last chunk that arrived over it is recorded. */
  recording: Promise<void> = Promise.resolve();

  get ageMs(): number {
    return performance.now() - this.#openedAt;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Ends a measuring interval and returns its bytes. The rate is a moving average: half this interval, half those
   * before.
   */
  sample(elapsedMs: number): number {
    const bytes = this.#bytes;
    const rate = (bytes * 1000) / elapsedMs;
    this.rate = this.rate === 0 ? rate : (this.rate + rate) / 2;
    this.#bytes = 0;
    return bytes;
  }
}

/** A younger connection may still be getting up to speed, in milliseconds. */
const WARMUP_MS = 2_000;

/** A connection is slow below this part of the rate of a fast one. */
const SLOW_FRACTION = 0.25;

/** Returns the connections that are much slower than the others: replacing them is likely to help. */
export function slowConnections<C extends ConnectionRate>(connections: readonly C[]): C[] {
  if (connections.length < 2) return [];
  return connections.filter((connection) => {
    if (connection.ageMs < WARMUP_MS) return false;
    const others = connections.filter((other) => other !== connection).map(({ rate }) => rate);
    return connection.rate < SLOW_FRACTION * fastRate(others);
  });
}

/** Returns the lowest rate of the fastest quarter: one lucky connection does not count, and most may be slow. */
function fastRate(rates: number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length * 0.75)] ?? 0;
}
