/** More connections have to raise the rate by this factor to be kept. */
const MIN_GAIN = 1.1;

/** Fewer connections are kept when they reach this part of the rate: each one costs the hub and the computer. */
const MIN_RETAINED = 0.97;

/** Below this part of the former rate the network has changed, and measurements start over. */
const CHANGED = 0.6;

/** Samples ignored after a change: new connections are being opened, and start slowly. */
const SKIPPED_SAMPLES = 1;

/** Samples between two trials once a good number was found; doubled up to the second number while trials fail. */
const FIRST_REST = 8;
const LONGEST_REST = 64;

/**
 * Chooses the number of connections of a download by what they deliver: doubles it while that helps, goes back when it
 * does not, and tries more or fewer again from time to time. It has no clock and no socket: the download reports, at
 * regular intervals, how many bytes per second arrived.
 *
 * Why not a fixed number (medians of one run on loopback, two cores): with half of the connections at 0.5 MB/s and the
 * others at 8.7 MB/s, as some CDN edges limit them, 8 fixed connections take 1.5 times as long and 16 take 1.6 times;
 * with all at 8.7 MB/s, 8 take 1.3 times. Without limits all three are equal.
 */
export class ConnectionPlan {
  readonly #most: number;
  readonly #enough: number;
  #target: number;
  /** The best number so far, and its bytes per second. */
  #steady: { readonly connections: number; readonly rate: number } | undefined;
  #skip = SKIPPED_SAMPLES;
  #rest = 0;
  #restAfterFailure = FIRST_REST;
  #triesMore = true;

  /** @param options.enough Bytes per second at which no more connections are tried. */
  constructor(options: { readonly first: number; readonly most: number; readonly enough?: number }) {
    const { first, most, enough = Number.POSITIVE_INFINITY } = options;
    this.#most = Math.max(1, most);
    this.#enough = enough;
    this.#target = Math.min(Math.max(1, first), this.#most);
  }

  /** Number of connections that there should be. */
  get target(): number {
    return this.#target;
  }

  /** Takes a sample: bytes per second since the last one. */
  sample(bytes: number): void {
    if (this.#skip > 0) {
      this.#skip -= 1;
      return;
    }
    const steady = this.#steady;
    if (steady === undefined) {
      this.#settle(bytes);
      this.#tryMore();
    } else if (this.#target > steady.connections) this.#evaluateMore(bytes, steady);
    else if (this.#target < steady.connections) this.#evaluateFewer(bytes, steady);
    else this.#watch(bytes, steady);
  }

  /** The server refuses more than `connections`: keeps to that number, and waits long before it tries more. */
  refused(connections: number): void {
    this.#steady = undefined;
    this.#change(Math.max(1, Math.min(this.#target, connections)));
    this.#settle(0);
    this.#rest = LONGEST_REST;
  }

  #evaluateMore(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes >= rate * MIN_GAIN) {
      this.#restAfterFailure = FIRST_REST;
      this.#settle(bytes);
      this.#tryMore();
      return;
    }
    this.#goBack(connections);
  }

  #evaluateFewer(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes < rate * MIN_RETAINED) {
      this.#goBack(connections);
      return;
    }
    this.#settle(bytes);
    this.#rest = FIRST_REST;
  }

  #watch(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes < rate * CHANGED) {
      this.#settle(bytes);
      this.#restAfterFailure = FIRST_REST;
      this.#rest = Math.min(this.#rest, SKIPPED_SAMPLES);
    } else {
      // A moving average follows slow changes of the network.
      this.#steady = { connections, rate: (3 * rate + bytes) / 4 };
    }
    this.#rest -= 1;
    if (this.#rest > 0) return;
    if (this.#triesMore) this.#tryMore();
    else this.#tryFewer();
    this.#triesMore = !this.#triesMore;
  }

  #tryMore(): void {
    const isEnough = (this.#steady?.rate ?? 0) >= this.#enough;
    if (isEnough || this.#target >= this.#most) this.#rest = this.#restAfterFailure;
    else this.#change(Math.min(this.#most, this.#target * 2));
  }

  #tryFewer(): void {
    if (this.#target <= 1) this.#rest = this.#restAfterFailure;
    else this.#change(Math.ceil(this.#target / 2));
  }

  #goBack(connections: number): void {
    this.#change(connections);
    this.#rest = this.#restAfterFailure;
    this.#restAfterFailure = Math.min(LONGEST_REST, 2 * this.#restAfterFailure);
  }

  #settle(rate: number): void {
    this.#steady = { connections: this.#target, rate };
  }

  #change(target: number): void {
    this.#target = target;
    this.#skip = SKIPPED_SAMPLES;
  }
}
