/** Significant decimal digits that identify every 32-bit float (C's `FLT_DECIMAL_DIG`). */
const FLOAT_DIGITS = 9;

/** The format of a vector in a reply. */
export type Encoding = 'float' | 'base64';

/**
 * Encodes a vector for JSON: as numbers with enough digits to restore the same 32-bit floats, or as base64 of the
 * little-endian floats, which takes about half the space.
 */
export function encodeVector(vector: Float32Array, encoding: Encoding): number[] | string {
  if (encoding === 'float') return Array.from(vector, (value) => Number(value.toPrecision(FLOAT_DIGITS)));
  const bytes = Buffer.alloc(4 * vector.length);
  vector.forEach((value, i) => {
    bytes.writeFloatLE(value, 4 * i);
  });
  return bytes.toString('base64');
}
