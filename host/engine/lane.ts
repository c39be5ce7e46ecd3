import { whenAborted } from '../common/when-aborted.ts';

/** Runs work in the order in which it came, up to a number at a time. */
export class Lane {
  readonly #capacity: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param capacity How much runs at the same time. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * Runs work when its turn comes.
   *
   * @returns undefined if `end` is aborted first.
   */
  async run<T>(end: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running < this.#capacity) this.#running += 1;
    else if (!(await this.#turn(end))) return undefined;
    try {
      return end.aborted ? undefined : await work();
    } finally {
      // The next one takes this place, before anything that comes later.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #turn(end: AbortSignal): Promise<boolean> {
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn.resolve);
    await Promise.race([turn.promise, whenAborted(end)]);
    const index = this.#waiting.indexOf(turn.resolve);
    if (index === -1) return true;
    this.#waiting.splice(index, 1);
    return false;
  }
}
