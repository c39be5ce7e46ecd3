import { HostError } from '../../../common/errors.ts';
import type { Embedded, EmbedRequest, NamedText } from '../../../models/embedding.ts';
import type { RunnerStep } from '../../ipc.ts';
import type { EmbeddingContext } from '../binding-types.ts';
import { GrowingContext } from './growing-context.ts';
import { TextWork, type TextWorkParts } from './text-work.ts';

/**
 * Embeds texts with one model, each one separately, so that a text's vector does not depend on the others. Token
 * vectors are pooled as the model specifies; if a generative model specifies nothing, the last token's vector is used,
 * because only that token attends to the whole text.
 */
export class Embedder {
  readonly #texts: TextWork;
  readonly #context: GrowingContext<EmbeddingContext>;

  constructor(parts: TextWorkParts) {
    const { model, threads } = parts;
    this.#texts = new TextWork(parts);
    this.#context = new GrowingContext(this.#texts.room, (size) =>
      this.#texts.create(size, () => model.createEmbeddingContext({ contextSize: size, batchSize: size, threads })),
    );
  }

  /**
   * Embeds texts in order. When `signal` is aborted, throws its reason before the next text.
   *
   * @throws HostError `CONTEXT_OVERFLOW`, `INVALID_REQUEST` for a text without tokens, `INSUFFICIENT_MEMORY`,
   *   `EMBEDDING_FAILED`, `ABORTED`.
   */
  embed(
    { texts, truncate }: EmbedRequest,
    signal: AbortSignal,
    step: (step: RunnerStep) => void,
  ): Promise<readonly Embedded[]> {
    return this.#texts.run(async () => {
      const embedded: Embedded[] = [];
      for (const text of texts) {
        signal.throwIfAborted();
        embedded.push(await this.#embed(text, truncate));
      }
      return embedded;
    }, step);
  }

  async #embed(text: NamedText, truncate: boolean): Promise<Embedded> {
    const all = this.#texts.tokens(text, truncate);
    if (all.length === 0) {
      throw new HostError('INVALID_REQUEST', `\`${text.name}\` must not be empty.`, {
        details: { field: text.name },
      });
    }
    // Any context reports how many tokens the model adds around a text.
    const around = (await this.#context.holding(0)).calculateInputLength(all) - all.length;
    const { room } = this.#texts;
    if (all.length + around > room && !truncate) throw this.#texts.tooLong(text.name, all.length + around);
    const tokens = all.slice(0, room - around);
    const context = await this.#context.holding(tokens.length + around);
    this.#texts.step({ kind: 'evaluate', size: tokens.length + around });
    const vector = Float32Array.from((await context.getEmbeddingFor(tokens)).vector);
    if (!vector.every(Number.isFinite)) throw notNumbers(text.name);
    return { vector, tokens: tokens.length + around, truncated: tokens.length < all.length };
  }
}

function notNumbers(name: string): HostError {
  return new HostError(
    'EMBEDDING_FAILED',
    `The embedding of \`${name}\` contains invalid numbers. The model file may be damaged. Verify it.`,
    { details: { field: name } },
  );
}
