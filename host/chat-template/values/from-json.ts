import { Dict } from './dict.ts';
import { Float } from './float.ts';
import { List } from './sequences.ts';
import type { Value } from './value.ts';

/**
 * A JSON value passed to a template. A bigint is an integer too large for a number; a `Float` is a value such as `1.0`.
 */
export type JsonInput =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Float
  | readonly JsonInput[]
  | { readonly [name: string]: JsonInput };

/** Number of values and characters that were converted. The limits of the rendering grow with them. */
export interface InputSize {
  values: number;
  characters: number;
}

/** Converts JSON to template values. Omits undefined properties, like `JSON.stringify`. */
export function fromJson(input: Exclude<JsonInput, undefined>, size: InputSize): Value {
  size.values += 1;
  if (typeof input === 'string') {
    size.characters += input.length;
    return input;
  }
  if (typeof input === 'number') return fromNumber(input);
  if (input === null || typeof input !== 'object' || input instanceof Float) return input;
  if (isArray(input)) return new List(input.map((item) => fromJson(item ?? null, size)));
  return Dict.ofTexts(entriesFromJson(input, size));
}

/** Yields the properties of an object as template values. */
export function* entriesFromJson(
  input: { readonly [name: string]: JsonInput },
  size: InputSize,
): Generator<readonly [string, Value]> {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    size.characters += name.length;
    yield [name, fromJson(value, size)];
  }
}

/** From this value on, JavaScript writes integers with an exponent, which makes them floats in Python. */
const FIRST_EXPONENT = 1e21;

function fromNumber(value: number): Value {
  if (!Number.isInteger(value) || Math.abs(value) >= FIRST_EXPONENT) return new Float(value);
  if (Object.is(value, -0)) return 0;
  return Number.isSafeInteger(value) ? value : BigInt(value);
}

function isArray(value: object): value is readonly JsonInput[] {
  return Array.isArray(value);
}
