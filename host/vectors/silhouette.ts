import { squaredDistance } from './similarity.ts';

/**
 * Returns the silhouette score of a clustering, −1 to 1 (Rousseeuw, 1987): the mean over all points of
 * (b − a) / max(a, b), where a is the mean distance from the other points of the same cluster, and b the mean distance
 * from the points of the nearest other cluster. A point that is alone in its cluster scores 0. Returns null for fewer
 * than two clusters.
 *
 * @param pause Awaited often. May yield to the event loop, and may throw to abort.
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
  // For each point, the sums of its distances from the points of each cluster. The distance of a pair is computed once.
  const sums = points.map(() => new Float64Array(count));
  for (const [i, point] of points.entries()) {
    for (let j = 0; j < i; j++) {
      const other = points[j];
      if (other === undefined) continue;
      const distance = Math.sqrt(squaredDistance(point, other));
      addTo(sums[i], labels[j], distance);
      addTo(sums[j], labels[i], distance);
    }
    await pause();
  }
  return (
    sums.reduce((sum, distances, i) => sum + silhouetteOfPoint(distances, sizes, labels[i] ?? 0), 0) / points.length
  );
}

function addTo(sums: Float64Array | undefined, label: number | undefined, distance: number): void {
  if (sums !== undefined && label !== undefined) sums[label] = (sums[label] ?? 0) + distance;
}

/** @param distances Sums of the distances from the points of each cluster. */
function silhouetteOfPoint(distances: Float64Array, sizes: readonly number[], own: number): number {
  const size = sizes[own] ?? 0;
  if (size < 2) return 0;
  const a = (distances[own] ?? 0) / (size - 1);
  const b = Math.min(...distances.map((sum, c) => (c === own ? Number.POSITIVE_INFINITY : sum / (sizes[c] ?? 1))));
  const larger = Math.max(a, b);
  return larger === 0 ? 0 : (b - a) / larger;
}
