import { HostError, isHostError } from '../../../common/errors.ts';
import type { NamedText } from '../../../models/embedding.ts';
import type { RunnerStep } from '../../ipc.ts';
import type { Binding, EmbeddingContext, Model, RankingContext, Token } from '../binding-types.ts';
import { MAX_CHARACTERS_PER_TOKEN } from '../generation/prompt-tokens.ts';
import type { LlamaLog } from '../llama-log.ts';
import type { ThreadLimit } from '../thread-limit.ts';

/** What embedding and ranking use. */
export interface TextWorkParts {
  readonly binding: Binding;
  readonly model: Model;
  readonly log: LlamaLog;
  /** CPU threads of a context. */
  readonly threads: number;
  /** Limits the threads while requests run; absent if the user set their number. */
  readonly limit?: ThreadLimit | undefined;
  /** Size of the context the model was loaded with, tokens. */
  readonly contextSize: number;
}

/** What embedding and ranking have in common: limits, tokenization, cancellation, and the errors of llama.cpp. */
export class TextWork {
  /**
   * Maximum number of tokens of one text, with those that the model adds: no more than the model was trained or loaded
   * for.
   */
  readonly room: number;
  /** Reports the next step of the running request. */
  step: (step: RunnerStep) => void = () => undefined;
  readonly #parts: TextWorkParts;

  constructor(parts: TextWorkParts) {
    this.#parts = parts;
    const { trainContextSize } = parts.model;
    this.room = trainContextSize > 0 ? Math.min(trainContextSize, parts.contextSize) : parts.contextSize;
  }

  /**
   * Runs a request.
   *
   * @param step Called with the next step.
   * @throws HostError what `run` throws; `INSUFFICIENT_MEMORY`, `EMBEDDING_FAILED`.
   */
  async run<T>(run: () => Promise<T>, step: (step: RunnerStep) => void): Promise<T> {
    this.#parts.log.clear();
    this.step = step;
    try {
      return await run();
    } catch (error) {
      if (isHostError(error)) throw error;
      throw await this.#explain(error);
    }
  }

  /** Creates a context of this many tokens with the full number of threads. */
  create<C extends EmbeddingContext | RankingContext>(tokens: number, create: () => Promise<C>): Promise<C> {
    this.step({ kind: 'context', size: tokens });
    const { limit } = this.#parts;
    return limit === undefined ? create() : limit.withoutLimit(create);
  }

  /**
   * Returns a text's tokens; special tokens in it are plain text. With `cut`, returns at least those that fit of a very
   * long text.
   */
  tokens({ name, text }: NamedText, cut: boolean): Token[] {
    this.step({ kind: 'tokenize', size: text.length });
    const longest = this.room * MAX_CHARACTERS_PER_TOKEN;
    if (text.length <= longest) return this.#parts.model.tokenize(text);
    if (!cut) throw this.tooLong(name, Math.ceil(text.length / MAX_CHARACTERS_PER_TOKEN));
    return this.#parts.model.tokenize(text.slice(0, longest).toWellFormed());
  }

  /** Returns the error for a text of at least this many tokens. */
  tooLong(name: string, tokens: number): HostError {
    return new HostError(
      'CONTEXT_OVERFLOW',
      `\`${name}\` is too long for this model: at least ${tokens} tokens, but only ${this.room} fit. Shorten it, or set \`truncate: true\` to cut off the end.`,
      { details: { field: name, tokens, room: this.room } },
    );
  }

  /** Returns the error with the reason from llama.cpp's log. */
  async #explain(error: unknown): Promise<HostError> {
    const { binding, log } = this.#parts;
    const { reason, details } = await log.explain(error);
    if (error instanceof binding.InsufficientMemoryError || log.saysOutOfMemory()) {
      return new HostError(
        'INSUFFICIENT_MEMORY',
        `Not enough memory to process a text this long: ${reason}. Use shorter texts, or load the model with a shorter context.`,
        { details },
      );
    }
    return new HostError('EMBEDDING_FAILED', `llama.cpp failed to process these texts: ${reason}`, { details });
  }
}
