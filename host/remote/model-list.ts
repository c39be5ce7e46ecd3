import * as v from 'valibot';
import { parseJson } from '../common/json-limits.ts';
import { validate } from '../common/validate.ts';

/** Maximum number of models in an engine's list: routers list a few hundred. */
const MAX_MODELS = 2_000;

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Properties of a remote model; 0 if its engine does not report them. */
export interface RemoteModelFacts {
  readonly model: string;
  /** In tokens. */
  readonly contextSize: number;
  readonly trainContextSize: number;
  readonly vocabSize: number;
  readonly embeddingDim: number;
  /** In bytes. */
  readonly size: number;
}

/**
 * An entry of a list. In addition to OpenAI's `id`: vLLM's `max_model_len`, `context_length` of routers, and
 * llama-server's `meta`. Invalid values of these fields are ignored.
 */
const Entry = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(512)),
  max_model_len: v.fallback(v.optional(Count), undefined),
  context_length: v.fallback(v.optional(Count), undefined),
  meta: v.fallback(
    v.nullish(
      v.object({
        n_ctx: v.fallback(v.optional(Count), undefined),
        n_ctx_train: v.fallback(v.optional(Count), undefined),
        n_vocab: v.fallback(v.optional(Count), undefined),
        n_embd: v.fallback(v.optional(Count), undefined),
        size: v.fallback(v.optional(Count), undefined),
      }),
    ),
    undefined,
  ),
});

const List = v.object({ data: v.array(v.unknown()) });

/** Parses the response to `GET /models`, without invalid entries; undefined if it is not a list. */
export function readModelList(text: string): RemoteModelFacts[] | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return undefined;
  }
  const list = validate(List, value);
  if (!list.success) return undefined;
  return list.output.data.slice(0, MAX_MODELS).flatMap((item) => {
    const entry = validate(Entry, item);
    return entry.success ? [factsOf(entry.output)] : [];
  });
}

function factsOf({ id, max_model_len, context_length, meta }: v.InferOutput<typeof Entry>): RemoteModelFacts {
  const trained = meta?.n_ctx_train ?? 0;
  return {
    model: id,
    contextSize: max_model_len ?? context_length ?? meta?.n_ctx ?? trained,
    trainContextSize: trained,
    vocabSize: meta?.n_vocab ?? 0,
    embeddingDim: meta?.n_embd ?? 0,
    size: meta?.size ?? 0,
  };
}

/** Returns the properties of a model that its engine does not list. */
export function unlistedModel(model: string): RemoteModelFacts {
  return { model, contextSize: 0, trainContextSize: 0, vocabSize: 0, embeddingDim: 0, size: 0 };
}
