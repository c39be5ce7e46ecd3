import * as v from 'valibot';

/**
 * Validation stops at the first error. By default, valibot collects an issue for every invalid element of an array: 8
 * million of them, 16 MiB of JSON, used up all memory of the process.
 */
const FIRST_ERROR = { abortEarly: true, abortPipeEarly: true } as const;

/** Validates a value up to its first error. The rest of the host must not call valibot's functions directly. */
export function validate<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.SafeParseResult<Schema> {
  return v.safeParse(schema, value, FIRST_ERROR);
}

/** Returns the validated value. @throws v.ValiError with the first error. */
export function assertValid<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  return v.parse(schema, value, FIRST_ERROR);
}
