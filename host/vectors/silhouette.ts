import { squaredDistance } from './similarity.ts';

/**
 * How well clusters stand apart, −1 to 1 (Rousseeuw, 1987): the mean over points of (b − a) / max(a, b), a being the mean
 * distance from the other points of its cluster and b that from the points of the nearest other one. A point alone in
 * its cluster counts 0. Null for fewer than two clusters.
 *
 * @param pause Awaited often; may let others run, and may throw to give the work up.
 */
export async function silhouette(
  points: readonly Float32Array[],
  labels: readonly number[],
  pause: () => Promise<void>,
): Promise<number | null> {
  const count = new Set(labels).size;
  if (count < 2) return null;
  const sizes = new Array<number>(count).fill(0);
  for (const label of labels) sizes[label] = (sizes[label] ?? 0) + 1;
  let sum = 0;
  for (const [i, point] of points.entries()) {
    const distances = new Array<number>(count).fill(0);
    for (const [j, other] of points.entries()) {
      const label = labels[j] ?? 0;
      if (i !== j) distances[label] = (distances[label] ?? 0) + Math.sqrt(squaredDistance(point, other));
    }
    sum += ofPoint(distances, sizes, labels[i] ?? 0);
    await pause();
  }
  return sum / points.length;
}

/** @param distances Sums of the distances from the points of each cluster. */
function ofPoint(distances: readonly number[], sizes: readonly number[], own: number): number {
  const size = sizes[own] ?? 0;
  if (size < 2) return 0;
  const a = (distances[own] ?? 0) / (size - 1);
  const b = Math.min(...distances.map((sum, c) => (c === own ? Number.POSITIVE_INFINITY : sum / (sizes[c] ?? 1))));
  const larger = Math.max(a, b);
  return larger === 0 ? 0 : (b - a) / larger;
}
