/** Minimum factor by which more connections must increase the rate to be kept. */
const MIN_GAIN = 1.1;

/**
 * Minimum fraction of the rate with which fewer connections are kept: each connection costs the hub and the computer.
 */
const MIN_RETAINED = 0.97;

/** Fraction of the previous rate below which the network is considered changed, and measurements start over. */
const CHANGED = 0.6;

/** Number of samples that are ignored after a change: new connections take time to open and to reach their speed. */
const SKIPPED_SAMPLES = 1;

/** Number of samples between two trials. It doubles, up to the maximum, after each failed trial. */
const MIN_TRIAL_INTERVAL = 8;
const MAX_TRIAL_INTERVAL = 64;

/**
 * Adapts the number of connections of a download to the measured rate: doubles it while the rate increases, reverts a
 * change that does not help, and periodically tries more or fewer connections. It has no clock and no socket: the
 * download reports the rate at regular intervals.
 *
 * Compared with a fixed number (medians of one run on loopback, two cores): if half of the connections are limited to
 * 0.5 MB/s and the others to 8.7 MB/s, as by some CDN edges, 8 fixed connections take 1.5 times as long and 16 take 1.6
 * times; if all are limited to 8.7 MB/s, 8 take 1.3 times. Without limits, all are equal.
 */
export class ConnectionPlan {
  readonly #max: number;
  readonly #sufficientRate: number;
  #target: number;
  /** The best number of connections so far and its rate, in bytes per second. */
  #steady: { readonly connections: number; readonly rate: number } | undefined;
  #skip = SKIPPED_SAMPLES;
  #samplesUntilTrial = 0;
  #trialInterval = MIN_TRIAL_INTERVAL;
  #nextTrialIsMore = true;

  /** @param options.sufficientRate Rate above which more connections are not tried, in bytes per second. */
  constructor(options: { readonly initial: number; readonly max: number; readonly sufficientRate?: number }) {
    const { initial, max, sufficientRate = Number.POSITIVE_INFINITY } = options;
    this.#max = Math.max(1, max);
    this.#sufficientRate = sufficientRate;
    this.#target = Math.min(Math.max(1, initial), this.#max);
  }

  /** The number of connections to use. */
  get target(): number {
    return this.#target;
  }

  /** Records the rate since the last sample, in bytes per second. */
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

  /** Records that the server rejects more than `connections`. Delays the next trial as long as possible. */
  refused(connections: number): void {
    this.#steady = undefined;
    this.#change(Math.max(1, Math.min(this.#target, connections)));
    this.#settle(0);
    this.#samplesUntilTrial = MAX_TRIAL_INTERVAL;
  }

  #evaluateMore(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes >= rate * MIN_GAIN) {
      this.#trialInterval = MIN_TRIAL_INTERVAL;
      this.#settle(bytes);
      this.#tryMore();
      return;
    }
    this.#revert(connections);
  }

  #evaluateFewer(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes < rate * MIN_RETAINED) {
      this.#revert(connections);
      return;
    }
    this.#settle(bytes);
    this.#samplesUntilTrial = MIN_TRIAL_INTERVAL;
  }

  #watch(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes < rate * CHANGED) {
      this.#settle(bytes);
      this.#trialInterval = MIN_TRIAL_INTERVAL;
      this.#samplesUntilTrial = Math.min(this.#samplesUntilTrial, SKIPPED_SAMPLES);
    } else {
      // A moving average follows slow changes of the network.
      this.#steady = { connections, rate: (3 * rate + bytes) / 4 };
    }
    this.#samplesUntilTrial -= 1;
    if (this.#samplesUntilTrial > 0) return;
    if (this.#nextTrialIsMore) this.#tryMore();
    else this.#tryFewer();
    this.#nextTrialIsMore = !this.#nextTrialIsMore;
  }

  #tryMore(): void {
    const isSufficient = (this.#steady?.rate ?? 0) >= this.#sufficientRate;
    if (isSufficient || this.#target >= this.#max) this.#samplesUntilTrial = this.#trialInterval;
    else this.#change(Math.min(this.#max, this.#target * 2));
  }

  #tryFewer(): void {
    if (this.#target <= 1) this.#samplesUntilTrial = this.#trialInterval;
    else this.#change(Math.ceil(this.#target / 2));
  }

  #revert(connections: number): void {
    this.#change(connections);
    this.#samplesUntilTrial = this.#trialInterval;
    this.#trialInterval = Math.min(MAX_TRIAL_INTERVAL, 2 * this.#trialInterval);
  }

  #settle(rate: number): void {
    this.#steady = { connections: this.#target, rate };
  }

  #change(target: number): void {
    this.#target = target;
    this.#skip = SKIPPED_SAMPLES;
  }
}
