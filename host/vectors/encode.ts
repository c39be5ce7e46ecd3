/** Decimal digits that tell every 32-bit float from its neighbours (`FLT_DECIMAL_DIG` of C). */
const FLOAT_DIGITS = 9;

/** How a vector stands in a reply. */
export type Encoding = 'float' | 'base64';

/**
 * A vector for JSON: its numbers, each with as many digits as make the same 32-bit float again, or the base64 of its
 * bytes, 32-bit floats in little-endian order, which take about half as much.
 */
export function encodeVector(vector: Float32Array, encoding: Encoding): number[] | string {
  if (encoding === 'float') return Array.from(vector, (value) => Number(value.toPrecision(FLOAT_DIGITS)));
  const bytes = Buffer.alloc(4 * vector.length);
  vector.forEach((value, i) => {
    bytes.writeFloatLE(value, 4 * i);
  });
  return bytes.toString('base64');
}
