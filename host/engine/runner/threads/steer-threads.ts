import type { ThreadRange } from '../../../hardware/threads.ts';
import type { Context, EmbeddingContext, RankingContext } from '../binding-types.ts';
import { CurrentLoad } from './current-load.ts';
import type { ThreadCount } from './thread-count.ts';

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

/** How threads of a context are steered. */
export interface Steering {
  /** What counts are chosen from. */
  readonly range: ThreadRange;
  /** The count for evaluations of single tokens. */
  readonly single: ThreadCount;
  /** The count for those of many. */
  readonly batch: ThreadCount;
}

/**
 * Has each evaluation of a context use as many threads as its count says, and tells the count how long it took and what
 * other processes leave free.
 */
export function steerThreads(context: Context, { range, single, batch }: Steering): void {
  const native = (context as unknown as { readonly _ctx: NativeContext })._ctx;
  const load = new CurrentLoad(range, [single, batch]);
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

/** The same for a context that embeds or ranks: the binding keeps one of the usual kind behind it. */
export function steerTextThreads(context: EmbeddingContext | RankingContext, steering: Steering): void {
  steerThreads((context as unknown as { readonly _llamaContext: Context })._llamaContext, steering);
}
