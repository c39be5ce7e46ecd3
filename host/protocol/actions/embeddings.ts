import * as v from 'valibot';
import { integer, modelNaming, pagedPayload, paging } from '../fields.ts';
import {
  MAX_CLUSTERED_TEXTS,
  MAX_CLUSTERS,
  MAX_LIKED_ITEMS,
  MAX_TEXT_CHARACTERS,
  MAX_TEXTS,
} from './embedding-limits.ts';
import { MAX_SEED } from './generation-limits.ts';

/** A text to be embedded. */
const EmbeddedText = v.pipe(
  v.string(),
  v.minLength(1, 'a text that is not empty'),
  v.maxLength(MAX_TEXT_CHARACTERS, `at most ${MAX_TEXT_CHARACTERS} characters long`),
);

/** A list of at least `min` and at most `max` texts. */
const textList = (min: number, max: number) =>
  v.pipe(
    v.array(EmbeddedText),
    v.minLength(min, `at least ${min} ${min === 1 ? 'text' : 'texts'}`),
    v.maxLength(max, `at most ${max} texts`),
  );

const Metric = v.picklist(['cosine', 'dot_product', 'euclidean'], 'cosine, dot_product or euclidean');

/** Fields of every action that embeds. */
const embedding = {
  ...modelNaming,
  /** *Ours*: `true` cuts the end off a text with more tokens than the model takes, which is refused otherwise. */
  truncate: v.optional(v.boolean()),
};

/** What every payload says of the work. */
const embeddedPayload = {
  /** The model id. */
  model: v.string(),
  /** Tokens evaluated for this reply, those included that the model wants around every text. */
  total_tokens: v.number(),
  /** *Ours*: how many texts were cut. */
  truncated: v.number(),
};

export const GenerateEmbeddingsRequest = v.looseObject({
  ...embedding,
  /** Texts to embed; each is evaluated by itself. */
  texts: textList(1, MAX_TEXTS),
  /** *Ours*: `false` gives vectors as the model makes them; else they have length 1. */
  normalize: v.optional(v.boolean()),
  /** *Ours*: `base64` gives each vector as 32-bit floats, little-endian, in base64, about half as many bytes. */
  encoding: v.optional(v.picklist(['float', 'base64'], 'float or base64')),
  ...paging,
});
export const GenerateEmbeddingsPayload = v.object({
  /** One for each text, in order, from `cursor` on: as many as fit a frame; only those are computed. */
  embeddings: v.array(v.union([v.array(v.number()), v.string()])),
  /** *Ours*: numbers in each vector. */
  dimensions: v.number(),
  ...embeddedPayload,
  ...pagedPayload,
});

export const ComputeSimilarityRequest = v.looseObject({
  ...embedding,
  text1: v.optional(EmbeddedText),
  text2: v.optional(EmbeddedText),
  /** *Ours*: both texts in one field. */
  texts: v.optional(v.pipe(v.array(EmbeddedText), v.length(2, 'two texts'))),
  /** `cosine` when absent. `euclidean` is 1 / (1 + distance). Of vectors as the model makes them. */
  metric: v.optional(Metric),
});
export const ComputeSimilarityPayload = v.object({
  /** A larger number is more alike; of `cosine`, −1 to 1. */
  similarity: v.number(),
  metric: Metric,
  /** Characters, as JavaScript counts them. */
  text1_length: v.number(),
  text2_length: v.number(),
  ...embeddedPayload,
});

/** Fields of every action that answers with a list of texts and scores. */
const scored = {
  /** *Ours*: no result scores less. */
  score_threshold: v.optional(v.number()),
  /** *Ours*: `false` leaves the texts themselves out; `index` says which is which. */
  return_documents: v.optional(v.boolean()),
  ...paging,
};

/** A text of the request, its place in the list there, and how well it did. */
const Result = v.object({ index: v.number(), document: v.optional(v.string()), score: v.number() });

export const RerankDocumentsRequest = v.looseObject({
  ...embedding,
  query: EmbeddedText,
  documents: textList(1, MAX_TEXTS),
  /** The best so many; all when absent. */
  top_k: v.optional(integer(1, MAX_TEXTS)),
  return_documents: scored.return_documents,
  ...paging,
});
export const RerankDocumentsPayload = v.object({
  /** The best first; `score` is 0 to 1, by the model's rank head. Each page is computed anew. */
  results: v.array(Result),
  ...embeddedPayload,
  ...pagedPayload,
});

export const SemanticSearchRequest = v.looseObject({
  ...embedding,
  query: EmbeddedText,
  documents: textList(1, MAX_TEXTS),
  /** The best so many; 5 when absent. */
  k: v.optional(integer(1, MAX_TEXTS)),
  /** *Ours*: the same as `k`. */
  top_k: v.optional(integer(1, MAX_TEXTS)),
  /** `cosine` when absent. `euclidean` is 1 / (1 + distance). Of vectors as the model makes them. */
  metric: v.optional(Metric),
  ...scored,
});
export const SemanticSearchPayload = v.object({
  /** The best first; of equals the one that comes first in `documents`. Each page is computed anew. */
  results: v.array(Result),
  total_documents: v.number(),
  metric: Metric,
  ...embeddedPayload,
  ...pagedPayload,
});

export const ClusterTextsRequest = v.looseObject({
  ...embedding,
  texts: textList(2, MAX_CLUSTERED_TEXTS),
  /** At most as many as there are texts. */
  n_clusters: integer(2, MAX_CLUSTERS),
  /** `kmeans`, which is the only one. */
  algorithm: v.optional(v.picklist(['kmeans'], 'kmeans')),
  /** *Ours*: the same seed gives the same clusters; 0 when absent. */
  seed: v.optional(integer(0, MAX_SEED)),
});
export const ClusterTextsPayload = v.object({
  /** Each text's cluster, numbered from 0 in the order in which they first appear. */
  labels: v.array(v.number()),
  /** Fewer than asked for where too many texts have the same vector. */
  n_clusters: v.number(),
  /** How well the clusters stand apart, −1 to 1; null for a single one. */
  silhouette_score: v.nullable(v.number()),
  algorithm: v.literal('kmeans'),
  /** *Ours*: each cluster's size, and the place of the text nearest to its middle. */
  clusters: v.array(v.object({ label: v.number(), size: v.number(), representative: v.number() })),
  ...embeddedPayload,
});

export const RecommendItemsRequest = v.looseObject({
  ...embedding,
  items: textList(2, MAX_TEXTS),
  /** The place in `items` of the one to find others like. */
  query_item_index: v.optional(integer(0, MAX_TEXTS - 1)),
  /** *Ours*, instead: the places of several; what is near to the middle of them is found. */
  query_item_indices: v.optional(
    v.pipe(
      v.array(integer(0, MAX_TEXTS - 1)),
      v.minLength(1, 'at least one place'),
      v.maxLength(MAX_LIKED_ITEMS, `at most ${MAX_LIKED_ITEMS} places`),
    ),
  ),
  /** The best so many; 10 when absent. */
  k: v.optional(integer(1, MAX_TEXTS)),
  ...scored,
});
export const RecommendItemsPayload = v.object({
  /** The most alike first, by cosine, without the items they are to be like. Each page is computed anew. */
  recommendations: v.array(v.object({ index: v.number(), item: v.optional(v.string()), score: v.number() })),
  ...embeddedPayload,
  ...pagedPayload,
});
