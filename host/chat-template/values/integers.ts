import { TemplateLimitError } from '../errors.ts';
import { Float } from './float.ts';
import type { Integer, Value } from './value.ts';

/** Maximum size of an integer, in bits: more than Python prints (4,300 digits). */
export const MAX_INTEGER_BITS = 16_384;

/** Returns an integer as a number if that is exact, else as a bigint. */
export function normalize(value: Integer): Integer {
  if (typeof value === 'number') return value;
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Returns the value of an integer or boolean (0 or 1); undefined for other types. */
export function toInteger(value: Value | undefined): Integer | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
}

/** Returns an integer or boolean as an index, clamped to the safe integers; undefined for other types. */
export function toIndex(value: Value | undefined): number | undefined {
  const integer = toInteger(value);
  if (typeof integer !== 'bigint') return integer;
  return integer > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}

/** Returns the value of a number or boolean as a JavaScript number; undefined for other types. */
export function toNumber(value: Value | undefined): number | undefined {
  if (value instanceof Float) return value.value;
  const integer = toInteger(value);
  return integer === undefined ? undefined : Number(integer);
}

/** Returns whether a value is a number or a boolean. */
export function isNumeric(value: Value): boolean {
  return value instanceof Float || toInteger(value) !== undefined;
}

/** Returns the number of bits of an integer; for bigints rounded up to a multiple of four. */
export function bitLength(value: Integer): number {
  if (typeof value === 'number') return value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
  return (value < 0n ? -value : value).toString(16).length * 4;
}

/** @throws TemplateLimitError if an integer would exceed the maximum size. */
export function assertIntegerBits(bits: number): void {
  if (bits <= MAX_INTEGER_BITS) return;
  throw new TemplateLimitError('integerBits', `the template computes an integer of more than ${MAX_INTEGER_BITS} bits`);
}

/** Computes with numbers if the result is exact, else with bigints. */
export function compute(
  left: Integer,
  right: Integer,
  fast: (left: number, right: number) => number,
  exact: (left: bigint, right: bigint) => bigint,
): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    const result = fast(left, right);
    if (Number.isSafeInteger(result)) return result === 0 ? 0 : result;
  }
  return normalize(exact(BigInt(left), BigInt(right)));
}
