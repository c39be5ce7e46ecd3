import * as v from 'valibot';

/**
 * Fields that several actions share. Requests are hostile until they have been through one of these: every string is
 * bounded, every number is whole and in range. A check's message is what was expected, to stand after "Expected `x` to be".
 */

/** Longest name, path or revision taken from a message, UTF-16 units. Longer ones name nothing a hub or disk could hold. */
const MAX_NAME_LENGTH = 1024;

/** A name out of a message: a string that is not empty and not absurdly long. Its characters are checked where it is used. */
export const Name = v.pipe(
  v.string(),
  v.minLength(1, 'a text that is not empty'),
  v.maxLength(MAX_NAME_LENGTH, `at most ${MAX_NAME_LENGTH} characters long`),
);

/** An object with these fields and perhaps others; valibot alone would take an array for one. */
export const objectWith = <const E extends v.ObjectEntries>(entries: E) =>
  v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), 'an object'),
    v.looseObject(entries),
  );

/** A whole number from `min` to `max`. */
export const integer = (min: number, max: number) =>
  v.pipe(
    v.number(),
    v.integer('a whole number'),
    v.minValue(min, `at least ${min}`),
    v.maxValue(max, `at most ${max}`),
  );

/** Every spelling of a model's name that the original took; `model-name.ts` makes one name of them. */
export const modelNaming = {
  /** A repository `owner/name`, or a whole model id. */
  modelPath: v.optional(Name),
  /** The same as `modelPath`. */
  repoId: v.optional(Name),
  /** A file inside the repository; of a model in parts, the first. */
  modelFile: v.optional(Name),
  /** The same as `modelFile`. */
  fileName: v.optional(Name),
  /** A whole model id. */
  modelId: v.optional(Name),
  /** The same as `modelId`. */
  model_id: v.optional(Name),
  /** The same as `modelId`. */
  model_name: v.optional(Name),
  /** The same as `modelId`. */
  model: v.optional(Name),
  /** *Ours*: branch, tag or commit of the repository; `main` when absent. */
  revision: v.optional(Name),
  /**
   * *Ours*: in place of a file where a model is fetched, loaded or fitted, such as `Q4_K_M`. The same as `owner/name:Q4_K_M`;
   * with neither, `Q4_K_M` or the nearest smaller one that fits here.
   */
  quantization: v.optional(Name),
};

/** Which page of a list to answer with (*ours*). Lists without these answer from the start, as much as fits a frame. */
export const paging = {
  limit: v.optional(integer(1, 10_000)),
  cursor: v.optional(v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'a cursor from an earlier reply'))),
};

/** `nextCursor` stands in a list's payload when there is more. */
export const pagedPayload = { nextCursor: v.optional(v.string()) };

/** Bytes. */
export const Bytes = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Seconds since 1970, fractions allowed. */
export const UnixSeconds = v.number();
