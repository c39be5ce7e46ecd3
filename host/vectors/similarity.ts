/** A measure of similarity. A larger number always means more similar. */
export type Metric = 'cosine' | 'dot_product' | 'euclidean';

/** Returns the cosine similarity of two vectors, −1 to 1; 0 if one of them is zero. */
export function cosine(a: Float32Array, b: Float32Array): number {
  const lengths = Math.sqrt(dotProduct(a, a)) * Math.sqrt(dotProduct(b, b));
  if (lengths === 0) return 0;
  return Math.max(-1, Math.min(1, dotProduct(a, b) / lengths));
}

/** @throws RangeError if the vectors have different lengths, for example because they come from different models. */
export function dotProduct(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length)
    throw new RangeError(`Expected two vectors of one length, got ${a.length} and ${b.length}`);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/**
 * Returns the squared Euclidean distance of two vectors. Clustering spends nearly all of its time here, so four
 * independent sums are used, which the processor computes in parallel.
 *
 * @throws RangeError as {@link dotProduct}.
 */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  const { length } = a;
  if (length !== b.length) throw new RangeError(`Expected two vectors of one length, got ${length} and ${b.length}`);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    const d0 = (a[i] ?? 0) - (b[i] ?? 0);
    const d1 = (a[i + 1] ?? 0) - (b[i + 1] ?? 0);
    const d2 = (a[i + 2] ?? 0) - (b[i + 2] ?? 0);
    const d3 = (a[i + 3] ?? 0) - (b[i + 3] ?? 0);
    s0 += d0 * d0;
    s1 += d1 * d1;
    s2 += d2 * d2;
    s3 += d3 * d3;
  }
  for (let i = whole; i < length; i++) s0 += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return s0 + s1 + s2 + s3;
}

/** Returns the similarity of two vectors. As in the original, a distance d becomes 1 / (1 + d): 1 for equal vectors. */
export function similarity(metric: Metric, a: Float32Array, b: Float32Array): number {
  if (metric === 'cosine') return cosine(a, b);
  if (metric === 'dot_product') return dotProduct(a, b);
  return 1 / (1 + Math.sqrt(squaredDistance(a, b)));
}

/** Returns the vector of length 1 with the same direction, or the vector itself if it is zero. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dotProduct(vector, vector));
  return length === 0 ? vector : vector.map((value) => value / length);
}
