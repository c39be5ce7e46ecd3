import { availableParallelism } from 'node:os';
import { freeThreads, type ThreadRange } from '../../../hardware/threads.ts';
import type { Context } from '../binding-types.ts';
import { LoadWatch } from './load-watch.ts';
import { ThreadClimber } from './thread-climber.ts';

/** Time between two looks at what other processes do, milliseconds. */
const LOOK_MS = 250;

/** After so long a rest, what was measured before it says nothing of the present, milliseconds. */
const REST_MS = 100;

/** From so many tokens on, an evaluation is arithmetic; below, it is reading the weights. Each has its best number. */
const BATCH_TOKENS = 8;

/**
 * What the binding keeps behind a context. It hands over a number of threads before each evaluation, but offers no way to
 * change it; this is of the version that is pinned, and a test says when it is no longer so.
 */
interface NativeContext {
  addToBatch(sequence: number, first: number, tokens: Uint32Array, logits: Uint32Array): unknown;
  setThreads(threads: number): void;
  decodeBatch(): Promise<void>;
}

/** The count to begin with, and what counts are chosen from. */
export interface SteeredThreads extends ThreadRange {
  readonly first: number;
}

/**
 * Has each evaluation of a context use as many threads as have proved best, and learns from how long it took and from
 * what other processes leave free.
 */
export function steerThreads(context: Context, threads: SteeredThreads): void {
  if (threads.most === 1) return;
  const native = (context as unknown as { readonly _ctx: NativeContext })._ctx;
  const single = new ThreadClimber(threads);
  const batch = new ThreadClimber(threads);
  const load = new PresentLoad(threads, [single, batch]);
  const { addToBatch, setThreads, decodeBatch } = native;
  let tokens = 0;
  const steered: NativeContext = {
    addToBatch(sequence, first, more, logits) {
      tokens += more.length;
      return addToBatch.call(native, sequence, first, more, logits);
    },
    setThreads() {
      setThreads.call(native, (tokens < BATCH_TOKENS ? single : batch).threads);
    },
    async decodeBatch() {
      const count = tokens;
      tokens = 0;
      await load.before();
      const begin = performance.now();
      await decodeBatch.call(native);
      (count < BATCH_TOKENS ? single : batch).took(count, performance.now() - begin);
      await load.after();
    },
  };
  // Not by assignment: methods of native classes are read-only.
  for (const [name, value] of Object.entries(steered)) Object.defineProperty(native, name, { value });
}

/** Tells climbers now and then how many threads the present load of the machine leaves room for. */
class PresentLoad {
  readonly #range: ThreadRange;
  readonly #climbers: readonly ThreadClimber[];
  readonly #watch = new LoadWatch();
  #lookAt = 0;
  #restedSince = Number.NEGATIVE_INFINITY;

  constructor(range: ThreadRange, climbers: readonly ThreadClimber[]) {
    this.#range = range;
    this.#climbers = climbers;
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
        for (const climber of this.#climbers) climber.suggest(free);
      }
    }
    this.#restedSince = performance.now();
  }
}
