import type { GenerateRequest } from '../../../models/generation.ts';
import { MAX_CHECKPOINT_BYTES } from '../../budget.ts';
import type { Context, Model, Sequence, Token } from '../binding-types.ts';
import { MIN_SAVED_TOKENS, type SavedState, type SavedStates } from './saved-states.ts';

/** A shared beginning that is shorter than this is no reason to give up what another sequence holds, tokens. */
const MIN_SHARED_TOKENS = 16;

/** Time without a generation after which sequences are saved, milliseconds: then no token has to wait for it. */
const SAVE_AFTER_MS = 2_000;

/** A sequence of the context. It keeps its evaluated tokens after a generation, for a prompt that begins with them. */
export interface PooledSequence {
  readonly sequence: Sequence;
  /** When it was taken last; 0 = never. */
  lastUsed: number;
  /** The conversation whose tokens it holds; undefined for a prompt without one. */
  conversation: string | undefined;
  /** Whether it holds tokens that are to be saved and are not yet. */
  isUnsaved: boolean;
  /** Whether it is cleared when its generation has ended. */
  isForgotten: boolean;
  /** Settles when llama.cpp has finished what a stopped generation had started. */
  leftOver: Promise<unknown>;
}

/** A sequence for a prompt, and how many of its tokens need no evaluation. */
export interface TakenSequence {
  readonly pooled: PooledSequence;
  readonly cachedPromptTokens: number;
}

/** The sequences of a context, one for each generation that runs at the same time. */
export class SequencePool {
  readonly #model: Model;
  readonly #states: SavedStates | undefined;
  readonly #all: readonly PooledSequence[];
  readonly #idle: PooledSequence[];
  readonly #waiting: (() => void)[] = [];
  #uses = 0;
  #saveTimer: NodeJS.Timeout | undefined;

  constructor({ model, context, states }: { model: Model; context: Context; states?: SavedStates | undefined }) {
    this.#model = model;
    this.#states = states;
    this.#all = Array.from({ length: context.totalSequences }, () => ({
      sequence: context.getSequence({
        checkpoints: { maxMemory: Math.floor(MAX_CHECKPOINT_BYTES / context.totalSequences) },
      }),
      lastUsed: 0,
      conversation: undefined,
      isUnsaved: false,
      isForgotten: false,
      leftOver: Promise.resolve(),
    }));
    this.#idle = [...this.#all];
  }

  /**
   * Takes the sequence of which the most can be reused for a prompt, or the one that was not used for the longest time
   * with a saved state of which more can be reused. Waits until a sequence is idle. {@link release} returns it.
   *
   * @returns undefined if `signal` is aborted first.
   */
  async take(
    tokens: Token[],
    { conversation, isTemporary = false }: Pick<GenerateRequest, 'conversation' | 'isTemporary'>,
    signal: AbortSignal,
  ): Promise<TakenSequence | undefined> {
    const saved = await this.#states?.best(tokens);
    while (this.#idle.length === 0 && !signal.aborted) await this.#oneIsIdle(signal);
    if (signal.aborted) return undefined;
    clearTimeout(this.#saveTimer);
    const oldest = this.#idle.toSorted((a, b) => a.lastUsed - b.lastUsed);
    const [best] = oldest
      .map((pooled) => ({ pooled, shared: atLeastSome(this.#reusable(pooled.sequence, tokens)) }))
      .sort((a, b) => b.shared - a.shared);
    const [last] = oldest;
    if (best === undefined || last === undefined) throw new Error('No sequence is idle');
    const state = saved !== undefined && isBetter(saved.shared, best) ? saved.state : undefined;
    const pooled = state === undefined ? best.pooled : last;
    this.#idle.splice(this.#idle.indexOf(pooled), 1);
    try {
      await this.#prepare(pooled, tokens, state);
    } catch (error) {
      void this.release(pooled);
      throw error;
    }
    pooled.lastUsed = ++this.#uses;
    Object.assign(pooled, { conversation, isUnsaved: !isTemporary });
    return { pooled, cachedPromptTokens: pooled.sequence.nextTokenIndex };
  }

  /** Returns a sequence, once llama.cpp has finished with it. */
  async release(pooled: PooledSequence): Promise<void> {
    await pooled.leftOver;
    if (pooled.isForgotten) await this.#clear(pooled);
    this.#idle.push(pooled);
    this.#waiting.shift()?.();
    if (this.#states === undefined) return;
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => void this.#saveIfIdle(), SAVE_AFTER_MS).unref();
  }

  /** Saves what idle sequences hold. */
  async save(): Promise<void> {
    for (const pooled of this.#all) {
      const index = this.#idle.indexOf(pooled);
      if (index === -1 || !pooled.isUnsaved) continue;
      this.#idle.splice(index, 1);
      await this.#savePooled(pooled);
      if (pooled.isForgotten) await this.#clear(pooled);
      this.#idle.push(pooled);
      this.#waiting.shift()?.();
    }
  }

  /** Forgets the tokens of a conversation, and of prompts that belong to no known one. */
  async forget(conversation: string): Promise<void> {
    for (const pooled of this.#all) {
      if (pooled.conversation !== undefined && pooled.conversation !== conversation) continue;
      if (this.#idle.includes(pooled)) await this.#clear(pooled);
      else pooled.isForgotten = true;
    }
    await this.#states?.forget(conversation);
  }

  /** Leaves in a sequence what it, or a saved state, has in common with a prompt. */
  async #prepare(pooled: PooledSequence, tokens: Token[], state: SavedState | undefined): Promise<void> {
    const { sequence } = pooled;
    const kept = state === undefined ? this.#keptOf(sequence, tokens) : 0;
    if (sequence.nextTokenIndex - kept >= MIN_SAVED_TOKENS) await this.#savePooled(pooled);
    if (state !== undefined) {
      // This drops its checkpoints, too, which belong to the tokens before.
      await sequence.clearHistory();
      await this.#states?.load(state, sequence);
    }
    const start = this.#keptOf(sequence, tokens);
    // A model with recurrent state can go back only to a checkpoint, so fewer tokens may be kept than requested.
    if (start < sequence.nextTokenIndex) {
      await sequence.eraseContextTokenRanges([{ start, end: sequence.nextTokenIndex }]);
    }
  }

  async #saveIfIdle(): Promise<void> {
    if (this.#idle.length === this.#all.length) await this.save();
  }

  async #savePooled(pooled: PooledSequence): Promise<void> {
    if (!pooled.isUnsaved || this.#states === undefined) return;
    await this.#states.save(pooled.sequence, pooled.conversation);
    pooled.isUnsaved = false;
  }

  async #clear(pooled: PooledSequence): Promise<void> {
    await pooled.sequence.clearHistory();
    Object.assign(pooled, { isForgotten: false, isUnsaved: false, conversation: undefined });
  }

  #reusable(sequence: Sequence, tokens: Token[]): number {
    const kept = this.#keptOf(sequence, tokens);
    if (kept >= sequence.nextTokenIndex) return kept;
    return kept - Math.max(0, sequence.getRestoreToPrefixIndexEvaluationSize(kept));
  }

  #keptOf(sequence: Sequence, tokens: Token[]): number {
    const { firstDifferentIndex } = sequence.compareContextTokens(tokens);
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

function atLeastSome(shared: number): number {
  return shared < MIN_SHARED_TOKENS ? 0 : shared;
}

/** Whether a saved state is better than the best sequence, which would lose most of what it holds for a shared beginning. */
function isBetter(saved: number, { pooled, shared }: { pooled: PooledSequence; shared: number }): boolean {
  if (atLeastSome(saved) === 0 || saved < shared) return false;
  return saved > shared || shared < pooled.sequence.nextTokenIndex / 2;
}
