import { unit } from './similarity.ts';

/**
 * Returns the centroid of several vectors after each has been scaled to length 1, so that only their directions count.
 *
 * @throws RangeError if there are no vectors.
 */
export function centroid(vectors: readonly Float32Array[]): Float32Array {
  const [first] = vectors;
  if (first === undefined) throw new RangeError('Expected at least one vector');
  const sum = new Float32Array(first.length);
  for (const vector of vectors) {
    for (const [i, value] of unit(vector).entries()) sum[i] = (sum[i] ?? 0) + value / vectors.length;
  }
  return sum;
}
