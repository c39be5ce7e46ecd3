import { HostError } from '../../../common/errors.ts';
import type { NamedText, Ranked, RankRequest } from '../../../models/embedding.ts';
import type { RunnerStep } from '../../ipc.ts';
import type { Model, RankingContext, Token } from '../binding-types.ts';
import { GrowingContext } from './growing-context.ts';
import { TextWork, type TextWorkParts } from './text-work.ts';

/** Scores documents against a query with a model's rank head, each pair evaluated separately. */
export class Ranker {
  readonly #texts: TextWork;
  readonly #model: Model;
  readonly #context: GrowingContext<RankingContext>;

  constructor(parts: TextWorkParts) {
    const { model, threads } = parts;
    this.#model = model;
    this.#texts = new TextWork(parts);
    this.#context = new GrowingContext(this.#texts.room, (size) =>
      this.#texts.create(size, () => model.createRankingContext({ contextSize: size, batchSize: size, threads })),
    );
  }

  /**
   * Scores documents in order. When `signal` is aborted, throws its reason before the next one.
   *
   * @throws HostError `MODEL_NOT_CAPABLE`, `CONTEXT_OVERFLOW`, `INSUFFICIENT_MEMORY`, `EMBEDDING_FAILED`, `ABORTED`.
   */
  rank(
    { query, documents, truncate }: RankRequest,
    signal: AbortSignal,
    step: (step: RunnerStep) => void,
  ): Promise<readonly Ranked[]> {
    return this.#texts.run(async () => {
      if (!this.#model.fileInsights.supportsRanking) throw noSeparator();
      // A query is never truncated: the score would be for another question.
      const queryTokens = this.#texts.tokens(query, false);
      const ranked: Ranked[] = [];
      for (const document of documents) {
        signal.throwIfAborted();
        ranked.push(await this.#rank({ ...query, tokens: queryTokens }, document, truncate));
      }
      return ranked;
    }, step);
  }

  async #rank(query: { name: string; tokens: Token[] }, document: NamedText, truncate: boolean): Promise<Ranked> {
    const { room } = this.#texts;
    const all = this.#texts.tokens(document, truncate);
    // Any context reports the length of a pair, with the tokens that the model adds around and between.
    const lengthOf = async (tokens: Token[]) =>
      (await this.#context.holding(0)).calculateInputLength(query.tokens, tokens);
    const whole = await lengthOf(all);
    if (whole > room && !truncate) throw this.#texts.tooLong(document.name, whole);
    const tokens = whole > room ? all.slice(0, Math.max(0, all.length - (whole - room))) : all;
    const length = await lengthOf(tokens);
    // Then the query is too long, or a template that repeats the document.
    if (length > room) throw this.#texts.tooLong(query.name, length);
    const context = await this.#context.holding(length);
    this.#texts.step({ kind: 'evaluate', size: length });
    const score = await context.rank(query.tokens, tokens);
    if (!Number.isFinite(score)) throw notANumber(document.name);
    return { score, tokens: length, truncated: tokens.length < all.length };
  }
}

function noSeparator(): HostError {
  const reason = 'its vocabulary has no separator token and it defines no reranking template';
  return new HostError('MODEL_NOT_CAPABLE', `The model cannot rank documents, because ${reason}.`, {
    details: { ability: 'rank', reason },
  });
}

function notANumber(name: string): HostError {
  return new HostError(
    'EMBEDDING_FAILED',
    `The score of \`${name}\` is not a number. The model file may be damaged. Verify it.`,
    {
      details: { field: name },
    },
  );
}
