import { unit } from './similarity.ts';

/**
 * The direction that several vectors have in common: the mean of their directions. A long vector counts no more than a
 * short one.
 *
 * @throws RangeError for no vectors.
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
