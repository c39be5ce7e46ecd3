/** A change of the number of connections has to bring this much more, or it was for nothing. */
const WORTH_IT = 1.1;

/** Fewer connections are as good when they bring this much of what more did: each costs the hub and the machine. */
const AS_GOOD = 0.97;

/** Below this part of what they brought before, the line has changed, and what was learned of it is worth nothing. */
const CHANGED = 0.6;

/** Looks after a change that tell nothing: connections are being made, and begin slowly. */
const SKIPPED_LOOKS = 1;

/** Looks between two trials once a good number is found; doubled up to the second number while trials are in vain. */
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
  /** The number that was good, and bytes a second it brought. */
  #steady: { readonly connections: number; readonly rate: number } | undefined;
  #skip = SKIPPED_LOOKS;
  #rest = 0;
  #restAfterVain = FIRST_REST;
  #triesMore = true;

  /** @param options.enough Bytes a second that are enough: where so many come, no more connections are tried. */
  constructor(options: { readonly first: number; readonly most: number; readonly enough?: number }) {
    const { first, most, enough = Number.POSITIVE_INFINITY } = options;
    this.#most = Math.max(1, most);
    this.#enough = enough;
    this.#target = Math.min(Math.max(1, first), this.#most);
  }

  /** How many connections there should be. */
  get target(): number {
    return this.#target;
  }

  /** Takes a look: so many bytes a second came since the last one. */
  look(bytes: number): void {
    if (this.#skip > 0) {
      this.#skip -= 1;
      return;
    }
    const steady = this.#steady;
    if (steady === undefined) {
      this.#settle(bytes);
      this.#tryMore();
    } else if (this.#target > steady.connections) this.#judgeMore(bytes, steady);
    else if (this.#target < steady.connections) this.#judgeFewer(bytes, steady);
    else this.#watch(bytes, steady);
  }

  /** The hub asks for less: halves the connections, and tries no more of them for long. */
  refused(): void {
    this.#steady = undefined;
    this.#change(Math.ceil(this.#target / 2));
    this.#settle(0);
    this.#rest = LONGEST_REST;
  }

  #judgeMore(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes >= rate * WORTH_IT) {
      this.#restAfterVain = FIRST_REST;
      this.#settle(bytes);
      this.#tryMore();
      return;
    }
    this.#goBack(connections);
  }

  #judgeFewer(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes < rate * AS_GOOD) {
      this.#goBack(connections);
      return;
    }
    this.#settle(bytes);
    this.#rest = FIRST_REST;
  }

  #watch(bytes: number, { connections, rate }: { connections: number; rate: number }): void {
    if (bytes < rate * CHANGED) {
      this.#settle(bytes);
      this.#restAfterVain = FIRST_REST;
      this.#rest = Math.min(this.#rest, SKIPPED_LOOKS);
    } else {
      // What is steady drifts with the line.
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
    if (isEnough || this.#target >= this.#most) this.#rest = this.#restAfterVain;
    else this.#change(Math.min(this.#most, this.#target * 2));
  }

  #tryFewer(): void {
    if (this.#target <= 1) this.#rest = this.#restAfterVain;
    else this.#change(Math.ceil(this.#target / 2));
  }

  #goBack(connections: number): void {
    this.#change(connections);
    this.#rest = this.#restAfterVain;
    this.#restAfterVain = Math.min(LONGEST_REST, 2 * this.#restAfterVain);
  }

  #settle(rate: number): void {
    this.#steady = { connections: this.#target, rate };
  }

  #change(target: number): void {
    this.#target = target;
    this.#skip = SKIPPED_LOOKS;
  }
}
