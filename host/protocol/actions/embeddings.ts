import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { MODEL_ERRORS } from '../errors.ts';
import { embeddingProgress } from '../events.ts';
import {
  count,
  field,
  integer,
  modelId,
  modelReference,
  nonEmptyText,
  nullable,
  optional,
  pagedResponse,
  paging,
} from '../fields.ts';
import { MAX_CLUSTERED_TEXTS, MAX_CLUSTERS, MAX_SEED, MAX_TEXT_CHARACTERS, MAX_TEXTS } from '../limits.ts';

/** A text to embed. */
export const embeddedText = nonEmptyText(MAX_TEXT_CHARACTERS);

/** A list of at least `min` and at most `max` texts. */
export const textList = (min: number, max: number) =>
  v.pipe(
    v.array(embeddedText),
    v.minLength(min, `at least ${min} ${min === 1 ? 'text' : 'texts'}`),
    v.maxLength(max, `at most ${max} texts`),
  );

export const metric = v.picklist(['cosine', 'dot_product', 'euclidean'], 'cosine, dot_product or euclidean');

/** What every action that embeds texts has in common. */
export const embedding = {
  request: {
    ...modelReference,
    truncate: optional(
      v.boolean(),
      'Extension: `true` cuts off the end of texts that are too long for the model, which is an error otherwise.',
    ),
  },
  response: {
    modelId,
    model: field(v.string(), 'Alias of `modelId`.'),
    total_tokens: field(count, 'Evaluated tokens, including those that the model adds to every text.'),
    truncated: field(count, 'Extension: the number of truncated texts.'),
  },
  events: [embeddingProgress],
  errors: ['EMBEDDING_FAILED', ...MODEL_ERRORS],
} as const;

const { events, errors } = embedding;

export const generateEmbeddings = defineAction({
  name: 'GENERATE_EMBEDDINGS',
  summary: 'Returns embeddings of texts.',
  request: {
    ...embedding.request,
    texts: field(textList(1, MAX_TEXTS), 'The texts; each is embedded separately.'),
    normalize: optional(
      v.boolean(),
      'Extension: `false` returns embeddings as the model makes them. Default: they are scaled to length 1.',
    ),
    encoding: optional(
      v.picklist(['float', 'base64'], 'float or base64'),
      'Extension: `base64` returns each embedding as 32-bit little-endian floats in base64, about half the size. Default: `float`.',
    ),
    ...paging,
  },
  response: v.object({
    embeddings: field(
      v.array(v.union([v.array(v.number()), v.string()])),
      'The embeddings of the texts from `cursor` on, in order. Only those that fit in the reply are computed.',
    ),
    dimensions: field(count, 'Extension: the number of values in each embedding.'),
    ...embedding.response,
    ...pagedResponse,
  }),
  topLevel: 'payload',
  events,
  errors,
});

export const computeSimilarity = defineAction({
  name: 'COMPUTE_SIMILARITY',
  summary: 'Returns the similarity of two texts.',
  request: {
    ...embedding.request,
    text1: optional(embeddedText, 'The first text.'),
    text2: optional(embeddedText, 'The second text.'),
    texts: optional(v.pipe(v.array(embeddedText), v.length(2, 'two texts')), 'Extension: both texts instead.'),
    metric: optional(
      metric,
      'How to compare the embeddings as the model makes them; `euclidean` is 1 / (1 + distance). Default: `cosine`.',
    ),
  },
  response: v.object({
    similarity: field(v.number(), 'The similarity; larger is more similar. With `cosine`, −1 to 1.'),
    metric: field(metric, 'How the embeddings were compared.'),
    text1_length: field(count, 'The length of the first text in UTF-16 units.'),
    text2_length: field(count, 'The length of the second text in UTF-16 units.'),
    ...embedding.response,
  }),
  topLevel: 'payload',
  events,
  errors,
});

export const clusterTexts = defineAction({
  name: 'CLUSTER_TEXTS',
  summary: 'Groups texts by similarity.',
  request: {
    ...embedding.request,
    texts: field(textList(2, MAX_CLUSTERED_TEXTS), 'The texts.'),
    n_clusters: field(integer(2, MAX_CLUSTERS), 'The number of clusters, at most the number of texts.'),
    algorithm: optional(v.picklist(['kmeans'], 'kmeans'), 'The algorithm; only `kmeans` is available.'),
    seed: optional(integer(0, MAX_SEED), 'Extension: the same seed gives the same clusters. Default: 0.'),
  },
  response: v.object({
    labels: field(
      v.array(count),
      'The cluster of each text. Clusters are numbered from 0 in the order in which they first occur.',
    ),
    n_clusters: field(count, 'The number of clusters; fewer than requested if too many texts have the same embedding.'),
    silhouette_score: nullable(v.number(), 'How well the clusters are separated, −1 to 1; null for a single cluster.'),
    algorithm: field(v.literal('kmeans'), 'The algorithm.'),
    clusters: field(
      v.array(
        v.object({
          label: field(count, 'The number of the cluster.'),
          size: field(count, 'The number of its texts.'),
          representative: field(count, 'The index of the text nearest to its centroid.'),
        }),
      ),
      'Extension: the clusters.',
    ),
    ...embedding.response,
  }),
  topLevel: 'payload',
  events,
  errors,
});
