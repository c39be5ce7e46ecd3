import { MAX_CHECKPOINT_BYTES } from '../../budget.ts';
import type { Context, Model, Sequence, Token } from '../binding-types.ts';

/** A shared beginning that is shorter than this is no reason to give up what another sequence holds, tokens. */
const MIN_SHARED_TOKENS = 16;

/** A sequence of the context. It keeps its evaluated tokens after a generation, for a prompt that begins with them. */
export interface PooledSequence {
  readonly sequence: Sequence;
  /** When it was taken last; 0 = never. */
  lastUsed: number;
  /** Settles when llama.cpp has finished what a stopped generation had started. */
  leftOver: Promise<unknown>;
}

/** The sequences of a context, one for each generation that runs at the same time. */
export class SequencePool {
  readonly #model: Model;
  readonly #idle: PooledSequence[];
  readonly #waiting: (() => void)[] = [];
  #uses = 0;

  constructor(model: Model, context: Context) {
    this.#model = model;
    this.#idle = Array.from({ length: context.totalSequences }, () => ({
      sequence: context.getSequence({
        checkpoints: { maxMemory: Math.floor(MAX_CHECKPOINT_BYTES / context.totalSequences) },
      }),
      lastUsed: 0,
      leftOver: Promise.resolve(),
    }));
  }

  /**
   * Takes the sequence of which the most can be reused for a prompt, and otherwise the one that was not used for the
   * longest time. Waits until one is idle. {@link release} returns it.
   *
   * @returns undefined if `signal` is aborted first.
   */
  async take(tokens: readonly Token[], signal: AbortSignal): Promise<PooledSequence | undefined> {
    while (this.#idle.length === 0 && !signal.aborted) await this.#oneIsIdle(signal);
    if (signal.aborted) return undefined;
    const [best] = this.#idle
      .map((pooled) => ({ pooled, shared: shared(this.#reusable(pooled, tokens)) }))
      .sort((a, b) => b.shared - a.shared || a.pooled.lastUsed - b.pooled.lastUsed);
    if (best === undefined) throw new Error('No sequence is idle');
    this.#idle.splice(this.#idle.indexOf(best.pooled), 1);
    best.pooled.lastUsed = ++this.#uses;
    return best.pooled;
  }

  /** Returns a sequence, once llama.cpp has finished with it. */
  async release(pooled: PooledSequence): Promise<void> {
    await pooled.leftOver;
    this.#idle.push(pooled);
    this.#waiting.shift()?.();
  }

  /**
   * Keeps the tokens that a sequence has in common with a prompt, and returns how many of the prompt need no evaluation.
   */
  async reuse({ sequence }: PooledSequence, tokens: Token[]): Promise<number> {
    const start = this.#keptOf(sequence, tokens);
    if (start < sequence.nextTokenIndex) {
      await sequence.eraseContextTokenRanges([{ start, end: sequence.nextTokenIndex }]);
    }
    // A model with recurrent state can go back only to a checkpoint, so fewer tokens may be kept than requested.
    return sequence.nextTokenIndex;
  }

  #reusable({ sequence }: PooledSequence, tokens: readonly Token[]): number {
    const kept = this.#keptOf(sequence, tokens);
    if (kept >= sequence.nextTokenIndex) return kept;
    return kept - Math.max(0, sequence.getRestoreToPrefixIndexEvaluationSize(kept));
  }

  #keptOf(sequence: Sequence, tokens: readonly Token[]): number {
    const { firstDifferentIndex } = sequence.compareContextTokens([...tokens]);
    // The last token is always evaluated: its result determines the first new one.
    const kept = Math.min(firstDifferentIndex, tokens.length - 1);
    const { swaSize } = this.#model.fileInsights;
    if (swaSize === undefined || kept >= sequence.nextTokenIndex) return kept;
    // Layers with a sliding window have dropped what is before it. The binding goes back to a checkpoint only when no
    // token is left at all; but the next token needs a whole window.
    const first = sequence.stateCellsStartIndex;
    return first <= 0 || kept >= first + swaSize ? kept : Math.min(kept, first);
  }

  #oneIsIdle(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(wake), 1);
        resolve();
      };
      const wake = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      this.#waiting.push(wake);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

function shared(tokens: number): number {
  return tokens < MIN_SHARED_TOKENS ? 0 : tokens;
}
