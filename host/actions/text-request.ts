import { throttle } from '../common/progress.ts';
import type { Embedded, NamedText, Ranked } from '../models/embedding.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import type { ModelNaming } from '../protocol/model-name.ts';
import type { Call } from './action.ts';
import { modelIdFor } from './model-reference.ts';
import { percent } from './progress.ts';

/** Most texts that the model works on in one job. */
const MAX_TEXTS_IN_BATCH = 16;

/** Most characters of a batch of several texts: a few seconds of work on a slow computer, for which other jobs wait. */
const MAX_CHARACTERS_IN_BATCH = 16_384;

/** The fields of every request on texts. */
interface TextFields extends ModelNaming {
  readonly truncate?: boolean | undefined;
}

/** What embedding and ranking a text have in common. */
interface Processed {
  readonly tokens: number;
  readonly truncated: boolean;
}

/** The work of one request on texts: the model, and counts of what it has done. */
export class TextRequest {
  readonly modelId: string;
  readonly #call: Call<'embeddingProgress'>;
  readonly #models: ModelRegistry;
  readonly #truncate: boolean;
  #tokens = 0;
  #truncated = 0;

  private constructor(models: ModelRegistry, request: TextFields, call: Call<'embeddingProgress'>) {
    this.#models = models;
    this.#call = call;
    this.#truncate = request.truncate ?? false;
    this.modelId = modelIdFor(request, models);
  }

  /** @throws HostError `MODEL_NOT_LOADED`. */
  static async start(request: TextFields, call: Call<'embeddingProgress'>): Promise<TextRequest> {
    return new TextRequest(await call.services.models(), request, call);
  }

  /**
   * Embeds texts in order, one batch at a time; the caller may stop iterating early. Sends progress events.
   *
   * @throws HostError what `ModelRegistry.embed` throws; the signal's reason when aborted.
   */
  embed(texts: readonly NamedText[]): AsyncGenerator<Embedded> {
    const { signal } = this.#call;
    return this.#inBatches(texts, (batch) =>
      this.#models.embed(this.modelId, { texts: batch, truncate: this.#truncate }, signal),
    );
  }

  /** Returns the vectors of all texts, in order. Throws like {@link embed}. */
  async vectors(texts: readonly NamedText[]): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for await (const { vector } of this.embed(texts)) vectors.push(vector);
    return vectors;
  }

  /**
   * Scores documents against a query, in order. Sends progress events.
   *
   * @throws HostError what `ModelRegistry.rank` throws; the signal's reason when aborted.
   */
  rank(query: NamedText, documents: readonly NamedText[]): AsyncGenerator<Ranked> {
    const { signal } = this.#call;
    return this.#inBatches(documents, (batch) =>
      this.#models.rank(this.modelId, { query, documents: batch, truncate: this.#truncate }, signal),
    );
  }

  /** Fields of every payload. */
  summary() {
    const { modelId } = this;
    return { modelId, model: modelId, total_tokens: this.#tokens, truncated: this.#truncated };
  }

  async *#inBatches<T extends Processed>(
    texts: readonly NamedText[],
    work: (batch: readonly NamedText[]) => Promise<readonly T[]>,
  ): AsyncGenerator<T> {
    const progress = this.#progress(texts.length);
    let processed = 0;
    try {
      for (const batch of textBatches(texts)) {
        const results = await work(batch);
        processed += batch.length;
        progress(processed);
        for (const result of results) {
          yield result;
          // Only results that the caller has used count.
          this.#tokens += result.tokens;
          if (result.truncated) this.#truncated += 1;
        }
      }
    } finally {
      progress.flush();
    }
  }

  #progress(total: number) {
    const { modelId } = this;
    return throttle((processed: number) =>
      this.#call.emit('embeddingProgress', { modelId, processed, total, progress: percent(processed, total) }),
    );
  }
}

/** Divides texts into batches that each are one job for the model. */
export function* textBatches(texts: readonly NamedText[]): Generator<readonly NamedText[]> {
  let batch: NamedText[] = [];
  let characters = 0;
  for (const text of texts) {
    const isFull = batch.length >= MAX_TEXTS_IN_BATCH || characters + text.text.length > MAX_CHARACTERS_IN_BATCH;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(text);
    characters += text.text.length;
  }
  if (batch.length > 0) yield batch;
}

/** Names the texts of a list field for error messages. */
export function namedTexts(field: string, texts: readonly string[]): NamedText[] {
  return texts.map((text, i) => ({ name: `${field}.${i}`, text }));
}
