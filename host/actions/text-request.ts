import { throttle } from '../common/progress.ts';
import type { Embedded, NamedText, Ranked } from '../models/embedding.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import type { Call } from './action.ts';
import { percent } from './download-events.ts';
import { modelIdFor } from './model-for.ts';
import { textPieces } from './text-pieces.ts';

/** What embedding and ranking have in common. */
interface Done {
  readonly tokens: number;
  readonly truncated: boolean;
}

/** The work of one request on texts: with which model, and what it has come to. */
export class TextRequest {
  readonly modelId: string;
  readonly #call: Call;
  readonly #models: ModelRegistry;
  readonly #truncate: boolean;
  #tokens = 0;
  #truncated = 0;

  private constructor(models: ModelRegistry, request: { truncate?: boolean | undefined }, call: Call) {
    this.#models = models;
    this.#call = call;
    this.#truncate = request.truncate ?? false;
    this.modelId = modelIdFor(request, models);
  }

  /** @throws HostError `MODEL_NOT_LOADED`. */
  static async of(request: { truncate?: boolean | undefined }, call: Call): Promise<TextRequest> {
    return new TextRequest(await call.services.models(), request, call);
  }

  /**
   * Embeds texts in order, a few at a time, as the caller iterates, and emits progress.
   *
   * @throws HostError what `ModelRegistry.embed` throws; the signal's reason when aborted.
   */
  embed(texts: readonly NamedText[]): AsyncGenerator<Embedded> {
    const { signal } = this.#call;
    return this.#inPieces(texts, (piece) =>
      this.#models.embed(this.modelId, { texts: piece, truncate: this.#truncate }, signal),
    );
  }

  /** The vectors of all texts, in order; throws as {@link embed}. */
  async vectors(texts: readonly NamedText[]): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for await (const { vector } of this.embed(texts)) vectors.push(vector);
    return vectors;
  }

  /**
   * Scores documents against a query, in order.
   *
   * @throws HostError what `ModelRegistry.rank` throws; the signal's reason when aborted.
   */
  rank(query: NamedText, documents: readonly NamedText[]): AsyncGenerator<Ranked> {
    const { signal } = this.#call;
    return this.#inPieces(documents, (piece) =>
      this.#models.rank(this.modelId, { query, documents: piece, truncate: this.#truncate }, signal),
    );
  }

  /** What every payload says of the work. */
  summary() {
    return { model: this.modelId, total_tokens: this.#tokens, truncated: this.#truncated };
  }

  async *#inPieces<T extends Done>(
    texts: readonly NamedText[],
    work: (piece: readonly NamedText[]) => Promise<readonly T[]>,
  ): AsyncGenerator<T> {
    const progress = this.#progress(texts.length);
    let processed = 0;
    try {
      for (const piece of textPieces(texts)) {
        const done = await work(piece);
        processed += piece.length;
        progress(processed);
        for (const one of done) {
          yield one;
          // Who stopped asking has had no use for it.
          this.#tokens += one.tokens;
          if (one.truncated) this.#truncated += 1;
        }
      }
    } finally {
      progress.flush();
    }
  }

  /** Tells the client how many texts are done; the last event says all, if all were done. */
  #progress(total: number) {
    const { modelId } = this;
    return throttle((processed: number) =>
      this.#call.emit('embeddingProgress', {
        modelId,
        processed,
        total,
        progress: percent(processed, total, processed >= total),
      }),
    );
  }
}

/** Texts of a list field, each with its name for errors. */
export function placed(field: string, texts: readonly string[]): NamedText[] {
  return texts.map((text, i) => ({ name: `${field}.${i}`, text }));
}
