import * as v from 'valibot';

/**
 * Validation stops at the first error. By default valibot collects an issue for every invalid element of an array: a
 * list of 8 million of them, 16 MiB of JSON, took all memory of the process.
 */
const FIRST_ERROR = { abortEarly: true, abortPipeEarly: true } as const;

/** Validates a value up to its first error. Nothing else in the host calls the validation library's own functions. */
export function validate<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.SafeParseResult<Schema> {
  return v.safeParse(schema, value, FIRST_ERROR);
}

/** Returns a value as its schema describes it. @throws v.ValiError with the first error of an invalid value. */
export function assertValid<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  return v.parse(schema, value, FIRST_ERROR);
}
