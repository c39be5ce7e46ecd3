import { HostError, isHostError } from '../../../common/errors.ts';
import type { NamedText } from '../../../models/embedding.ts';
import type { RunnerStep } from '../../ipc.ts';
import type { Binding, EmbeddingContext, Model, RankingContext, Token } from '../binding-types.ts';
import type { LlamaLog } from '../llama-log.ts';
import type { ThreadLimit } from '../thread-limit.ts';

/**
 * No tokenizer makes tokens of more characters than this on average (see `PromptTokens`), so what stands behind so many
 * times the room cannot be of the tokens that fit.
 */
const MAX_CHARACTERS_PER_TOKEN = 128;

/** What embedding and ranking work with. */
export interface TextWorkParts {
  readonly binding: Binding;
  readonly model: Model;
  readonly log: LlamaLog;
  /** CPU threads of a context. */
  readonly threads: number;
  /** Limits them while requests run; absent where the user set their number. */
  readonly limit?: ThreadLimit | undefined;
  /** Tokens of the context the model was loaded with. */
  readonly contextSize: number;
}

/** What embedding and ranking have in common: bounds, tokens, stopping, and what llama.cpp's faults are called. */
export class TextWork {
  /** Most tokens of one text, with what stands around it: no more than the model was trained for, or loaded with. */
  readonly room: number;
  /** Reports what is done next for the request that runs. */
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
   * @param step Called with what is done next.
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

  /** A text's tokens; no special token is read in it. With `cut`, of a very long one at least those that fit. */
  tokens({ name, text }: NamedText, cut: boolean): Token[] {
    this.step({ kind: 'tokenize', size: text.length });
    const longest = this.room * MAX_CHARACTERS_PER_TOKEN;
    if (text.length <= longest) return this.#parts.model.tokenize(text);
    if (!cut) throw this.tooLong(name, Math.ceil(text.length / MAX_CHARACTERS_PER_TOKEN));
    return this.#parts.model.tokenize(text.slice(0, longest).toWellFormed());
  }

  /** The refusal of a text of this many tokens or more. */
  tooLong(name: string, tokens: number): HostError {
    return new HostError(
      'CONTEXT_OVERFLOW',
      `\`${name}\` is too long for this model: at least ${tokens} tokens, but only ${this.room} fit. Shorten it, or set \`truncate: true\` to cut off the end.`,
      { details: { field: name, tokens, room: this.room } },
    );
  }

  /** The binding says only that something failed; why is in llama.cpp's own log. */
  async #explain(error: unknown): Promise<HostError> {
    const { binding, log } = this.#parts;
    await log.settled();
    const errors = log.errors();
    const said = error instanceof Error ? error.message : String(error);
    const details = { reason: said, log: errors };
    if (error instanceof binding.InsufficientMemoryError || log.saysOutOfMemory()) {
      return new HostError(
        'INSUFFICIENT_MEMORY',
        `Not enough memory to process a text this long: ${errors[0] ?? said}. Use shorter texts, or load the model with a shorter context.`,
        { details },
      );
    }
    return new HostError('EMBEDDING_FAILED', `llama.cpp failed to process these texts: ${errors[0] ?? said}`, {
      details,
    });
  }
}
