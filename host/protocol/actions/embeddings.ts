import * as v from 'valibot';
import { modelNaming, pagedPayload, paging } from '../fields.ts';
import { MAX_TEXT_CHARACTERS, MAX_TEXTS } from './embedding-limits.ts';

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
