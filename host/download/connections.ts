/** The age and rate of a connection. */
export interface ConnectionRate {
  /** Milliseconds since it was opened. */
  readonly ageMs: number;
  /** Recent rate, in bytes per second. */
  readonly rate: number;
}

/** A connection of a download. */
export class Connection implements ConnectionRate {
  readonly controller = new AbortController();
  readonly #openedAt = performance.now();
  #bytes = 0;
  /** Whether bytes have been received over it. */
  isReceiving = false;
  rate = 0;
  /** When the received part of its current chunk was last recorded. */
  partialRecordedAt = performance.now();
  /** Whether it ends after its current chunk, because there are too many connections. */
  isLeaving = false;
  /** Settles when the last chunk received over it has been recorded. */
  recording: Promise<void> = Promise.resolve();

  get ageMs(): number {
    return performance.now() - this.#openedAt;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /**
   * Ends a measurement interval and returns the number of bytes received in it. Updates the rate, a moving average with
   * equal weights for this interval and the previous average.
   */
  sample(elapsedMs: number): number {
    const bytes = this.#bytes;
    const rate = (bytes * 1000) / elapsedMs;
    this.rate = this.rate === 0 ? rate : (this.rate + rate) / 2;
    this.#bytes = 0;
    return bytes;
  }
}

/** Age up to which a connection may not have reached its full speed, in milliseconds. */
const WARMUP_MS = 2_000;

/** Fraction of the rate of a fast connection below which a connection is slow. */
const SLOW_FRACTION = 0.25;

/** Returns the connections that are much slower than the others, which should be replaced. */
export function slowConnections<C extends ConnectionRate>(connections: readonly C[]): C[] {
  if (connections.length < 2) return [];
  return connections.filter((connection) => {
    if (connection.ageMs < WARMUP_MS) return false;
    const others = connections.filter((other) => other !== connection).map(({ rate }) => rate);
    return connection.rate < SLOW_FRACTION * fastRate(others);
  });
}

/**
 * Returns the lowest rate of the fastest quarter, which is robust against a single outlier and many slow connections.
 */
function fastRate(rates: number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length * 0.75)] ?? 0;
}
