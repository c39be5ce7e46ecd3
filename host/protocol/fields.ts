import * as v from 'valibot';
import { MAX_REQUEST_ID_LENGTH } from './limits.ts';

/**
 * Field types that several actions share. A request is not trusted until its schema has accepted it: every string is
 * bounded, every number is in range. The message of a check completes "Expected `field` to be …".
 */

/** Any valibot schema. */
export type Schema = v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>;

/** A schema with the description that the reference prints. */
type Described<S extends Schema> = v.SchemaWithPipe<readonly [S, v.DescriptionAction<v.InferOutput<S>, string>]>;

/** Describes a field. */
export function field<const S extends Schema>(schema: S, description: string): Described<S> {
  return v.pipe(schema, v.description<v.InferOutput<S>, string>(description));
}

/** Describes a field that may be absent. */
export function optional<const S extends Schema>(
  schema: S,
  description: string,
): v.OptionalSchema<Described<S>, undefined> {
  return v.optional(field(schema, description));
}

/** Describes a field that is null if there is no value. */
export function nullable<const S extends Schema>(
  schema: S,
  description: string,
): Described<v.NullableSchema<S, undefined>> {
  return field(v.nullable(schema), description);
}

/** A string of at most `max` UTF-16 units. */
export const textUpTo = (max: number) => v.pipe(v.string(), v.maxLength(max, `at most ${max} characters long`));

/** A string of 1 to `max` UTF-16 units. */
export const nonEmptyText = (max: number) =>
  v.pipe(v.string(), v.minLength(1, 'a string that is not empty'), v.maxLength(max, `at most ${max} characters long`));

/** A name, path or revision from a message. No hub and no disk holds a longer one. Its characters are checked where it is used. */
export const name = nonEmptyText(1024);

/** The absolute path of a file or folder; no supported system takes a longer one. */
export const path = nonEmptyText(4096);

/** The name of a program, which the user's other programs show. */
export const programName = nonEmptyText(64);

/** An object with these fields and possibly others. Valibot's own `looseObject` accepts arrays. */
export const objectWith = <const E extends v.ObjectEntries>(entries: E) =>
  v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), 'an object'),
    v.looseObject(entries),
  );

/** An integer from `min` to `max`. */
export const integer = (min: number, max: number) =>
  v.pipe(v.number(), v.integer('an integer'), v.minValue(min, `at least ${min}`), v.maxValue(max, `at most ${max}`));

/** A number from `min` to `max`. JSON has no infinities. */
export const numberBetween = (min: number, max: number) =>
  v.pipe(v.number(), v.minValue(min, `at least ${min}`), v.maxValue(max, `at most ${max}`));

/** A size or an amount in bytes. */
export const bytes = v.pipe(v.number(), v.integer(), v.minValue(0), v.title('integer, bytes'));

/** A number of things. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.title('integer'));

/** A share of work that is done, 0 to 100. */
export const percentage = v.pipe(v.number(), v.title('number, 0 to 100'));

/** A point in time. */
export const unixSeconds = v.pipe(v.number(), v.title('number, Unix seconds'));

/** An id that distinguishes a client's requests. */
export const requestId = v.union([
  v.pipe(v.string(), v.maxLength(MAX_REQUEST_ID_LENGTH)),
  v.pipe(v.number(), v.finite()),
]);

/** The id of a model, as every request takes it and every reply and event gives it. */
export const modelIdOf = (what: string) => field(v.string(), `The id of ${what}, as requests take it.`);

/** The id of the model a payload is about. */
export const modelId = modelIdOf('the model');

/** The model that a download is to replace. */
export const updateOf = optional(
  v.string(),
  'Extension: the id of the model that these newer files replace when they are complete.',
);

/** An error code and its message. */
export const errorInfo = v.object({
  code: field(v.string(), 'An error code.'),
  message: field(v.string(), 'What happened, in a sentence.'),
});

/** Every field by which the original let a request name its model; `model-name.ts` makes one name of them. */
export const modelReference = {
  modelPath: optional(name, 'A repository, `owner/name`, or a whole model id.'),
  repoId: optional(name, 'Alias of `modelPath`.'),
  modelFile: optional(name, 'A file in the repository; of a model split into several files, the first.'),
  fileName: optional(name, 'Alias of `modelFile`.'),
  modelId: optional(name, 'A whole model id.'),
  model_id: optional(name, 'Alias of `modelId`.'),
  model_name: optional(name, 'Alias of `modelId`.'),
  model: optional(name, 'Alias of `modelId`.'),
  revision: optional(name, 'Extension: a branch, tag or commit of the repository; `main` when absent.'),
  quantization: optional(
    name,
    'Extension: a quantization such as `Q4_K_M` instead of a file, like `owner/name:Q4_K_M`. With neither a file nor a quantization, `Q4_K_M` or the nearest smaller one that fits in memory.',
  ),
};

/** The page of a list to reply with. Without these fields, a list starts at its beginning. */
export const paging = {
  limit: optional(integer(1, 10_000), 'Extension: the most items to return; by default as many as fit in a reply.'),
  cursor: optional(
    v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'a cursor from an earlier reply')),
    'Extension: `nextCursor` of the previous page.',
  ),
};

/** Fields of the payload of a list. */
export const pagedResponse = {
  nextCursor: optional(v.string(), 'Extension: `cursor` for the next page; absent on the last.'),
};

/** The id of a tool call. */
export const toolCallId = field(
  v.string(),
  'Identifies the call in its conversation; the message with the result has it as `tool_call_id`.',
);

/** The function that a model calls. */
export const calledFunction = {
  name: field(v.string(), 'The function to call.'),
  arguments: field(v.string(), 'Its arguments, as JSON text of an object.'),
};

/** Fields that describe a running download. */
export const downloadActivity = {
  connections: optional(count, 'Extension: open connections; absent unless this host process downloads.'),
  stalled: optional(v.boolean(), 'Extension: whether no bytes have arrived for several seconds.'),
  stalledSince: optional(v.nullable(unixSeconds), 'Extension: when the last bytes arrived, if it is stalled.'),
  next: optional(
    v.nullable(
      v.object({
        action: field(
          v.picklist(['wait', 'retry', 'reconnect']),
          '`wait`: the hub limits requests, and the download waits for the time that the hub specifies. `retry`: it connects again. `reconnect`: it replaces connections that deliver nothing.',
        ),
        inSeconds: field(count, 'Seconds until then.'),
        code: nullable(v.string(), 'The code of the error that caused it.'),
      }),
    ),
    'Extension: what the download does next if no bytes arrive.',
  ),
};

/** A field of replies for which the hub was asked. */
export const hubWarning = {
  warning: optional(
    v.object({
      code: field(
        v.literal('TOKEN_REJECTED'),
        'The hub rejected the access token; the request was repeated without it.',
      ),
      source: field(v.string(), 'Where the token comes from: `HF_TOKEN`, `SET_HF_TOKEN` or the path of a file.'),
      message: field(v.string(), 'What happened, and how to replace the token.'),
    }),
    'Extension: a problem that the user should know about although the request succeeded.',
  ),
};
