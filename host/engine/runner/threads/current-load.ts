import { availableParallelism } from 'node:os';
import { freeThreads, type ThreadRange } from '../../../hardware/threads.ts';
import { LoadWatch } from './load-watch.ts';
import type { ThreadCount } from './thread-count.ts';

/** Time between two looks at what other processes do, milliseconds. */
const LOOK_MS = 250;

/** After so long a rest, what was measured before it says nothing of the present, milliseconds. */
const REST_MS = 100;

/** Tells counts now and then how many threads the present load of the machine leaves room for. */
export class CurrentLoad {
  readonly #range: ThreadRange;
  readonly #counts: readonly ThreadCount[];
  readonly #watch = new LoadWatch();
  #lookAt = 0;
  #restedSince = Number.NEGATIVE_INFINITY;

  constructor(range: ThreadRange, counts: readonly ThreadCount[]) {
    this.#range = range;
    this.#counts = counts;
  }

  /** Before an evaluation. */
  async before(): Promise<void> {
    if (performance.now() - this.#restedSince < REST_MS) return;
    await this.#watch.begin();
    this.#lookAt = performance.now() + LOOK_MS;
  }

  /** After it. */
  async after(): Promise<void> {
    if (performance.now() >= this.#lookAt) {
      const load = await this.#watch.look();
      this.#lookAt = performance.now() + LOOK_MS;
      if (load !== undefined) {
        const free = freeThreads(this.#range, load, availableParallelism());
        for (const count of this.#counts) count.suggest(free);
      }
    }
    this.#restedSince = performance.now();
  }
}
