import type { Context } from '../binding-types.ts';
import { ThreadClimber } from './thread-climber.ts';

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

/** Has each evaluation of a context use as many threads as have proved best, and learns from how long it took. */
export function steerThreads(context: Context, threads: { readonly first: number; readonly most: number }): void {
  if (threads.most === 1) return;
  const native = (context as unknown as { readonly _ctx: NativeContext })._ctx;
  const single = new ThreadClimber(threads);
  const batch = new ThreadClimber(threads);
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
      const begin = performance.now();
      await decodeBatch.call(native);
      (count < BATCH_TOKENS ? single : batch).took(count, performance.now() - begin);
    },
  };
  // Not by assignment: methods of native classes are read-only.
  for (const [name, value] of Object.entries(steered)) Object.defineProperty(native, name, { value });
}
