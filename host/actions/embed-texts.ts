import { throttle } from '../progress.ts';
import type { Embedded } from '../serving/embedding.ts';
import type { ServedModels } from '../serving/served-models.ts';
import type { Call } from './action.ts';
import { percent } from './download-events.ts';
import { modelIdFor } from './model-for.ts';
import { type PlacedText, textPieces } from './text-pieces.ts';

/** What the work of one request has come to so far. */
export interface TextTotals {
  tokens: number;
  truncated: number;
}

/** Tells the client how many texts are done; the last event says all, if all were done. */
export function textProgress(modelId: string, total: number, call: Call) {
  return throttle(({ processed }: { processed: number }) =>
    call.emit('embeddingProgress', {
      modelId,
      processed,
      total,
      progress: percent(processed, total, processed >= total),
    }),
  );
}

/** The embedding of one request's texts: which model, and what it has come to. */
export class TextEmbedding {
  readonly modelId: string;
  readonly totals: TextTotals = { tokens: 0, truncated: 0 };
  readonly #call: Call;
  readonly #served: ServedModels;
  readonly #truncate: boolean;

  private constructor(served: ServedModels, request: { truncate?: boolean | undefined }, call: Call) {
    this.#served = served;
    this.#call = call;
    this.#truncate = request.truncate ?? false;
    this.modelId = modelIdFor(request, served);
  }

  /** @throws HostError `MODEL_NOT_LOADED`. */
  static async of(request: { truncate?: boolean | undefined }, call: Call): Promise<TextEmbedding> {
    return new TextEmbedding(await call.parts.served(), request, call);
  }

  /**
   * Embeds texts in order, a piece at a time; who needs no more stops asking. Tells the client how far it has come.
   *
   * @throws HostError what `ServedModels.embed` throws; the signal's reason when aborted.
   */
  async *each(texts: readonly PlacedText[]): AsyncGenerator<Embedded> {
    const progress = textProgress(this.modelId, texts.length, this.#call);
    let processed = 0;
    try {
      for (const piece of textPieces(texts)) {
        const order = { texts: piece, truncate: this.#truncate };
        const embedded = await this.#served.embed(this.modelId, order, { signal: this.#call.signal });
        processed += piece.length;
        progress({ processed });
        for (const one of embedded) {
          yield one;
          // Who stopped asking has had no use for it.
          this.totals.tokens += one.tokens;
          if (one.truncated) this.totals.truncated += 1;
        }
      }
    } finally {
      progress.flush();
    }
  }

  /** The vectors of all texts, in order. */
  async all(texts: readonly PlacedText[]): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for await (const { vector } of this.each(texts)) vectors.push(vector);
    return vectors;
  }

  /** What every payload says of the work. */
  summary() {
    return { model: this.modelId, total_tokens: this.totals.tokens, truncated: this.totals.truncated };
  }
}

/** Texts of a list field, each with its name for errors. */
export function placed(field: string, texts: readonly string[]): PlacedText[] {
  return texts.map((text, i) => ({ name: `${field}.${i}`, text }));
}
