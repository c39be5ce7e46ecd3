import { sum } from '../common/sum.ts';
import { seededRandom } from './random.ts';
import { squaredDistance } from './similarity.ts';

/** Maximum number of iterations. Lloyd's algorithm usually converges in about ten for text embeddings. */
const MAX_ITERATIONS = 100;

/** Number of runs with different initial centres. The clusters with the lowest inertia are returned. */
const RESTARTS = 4;

/** Options of {@link kMeans}. */
export interface KMeansOptions {
  /** Number of clusters, 1 to the number of points. */
  readonly k: number;
  /** Seed of the random numbers. The same seed produces the same clusters. */
  readonly seed: number;
  /** Awaited often. May yield to the event loop, and may throw to abort. */
  readonly pause: () => Promise<void>;
}

/** The result of {@link kMeans}. */
export interface Clusters {
  /** The cluster of each point, numbered from 0 in order of first appearance. */
  readonly labels: number[];
  /** Number of clusters that have points. Less than `k` if too many points are equal. */
  readonly count: number;
  /** Sum of the squared distances of the points from the centres of their clusters. */
  readonly inertia: number;
}

/**
 * Clusters points with Lloyd's algorithm and k-means++ initialization (Arthur and Vassilvitskii, 2007).
 *
 * @throws RangeError if `k` is less than 1 or greater than the number of points.
 */
export async function kMeans(points: readonly Float32Array[], options: KMeansOptions): Promise<Clusters> {
  const { k, seed, pause } = options;
  if (k < 1 || k > points.length) throw new RangeError(`Expected 1 to ${points.length} clusters, got ${k}`);
  const random = seededRandom(seed);
  let best: { labels: number[]; inertia: number } | undefined;
  for (let start = 0; start < RESTARTS; start++) {
    const found = await lloyd(points, await initialCentres(points, k, random, pause), pause);
    if (best === undefined || found.inertia < best.inertia) best = found;
  }
  const { labels = [], inertia = 0 } = best ?? {};
  return { ...renumber(labels), inertia };
}

/**
 * Selects points as centres, each with a probability proportional to the squared distance from the nearest centre
 * selected before.
 */
async function initialCentres(
  points: readonly Float32Array[],
  k: number,
  random: () => number,
  pause: () => Promise<void>,
): Promise<Float32Array[]> {
  const centres: Float32Array[] = [];
  const distances = new Array<number>(points.length).fill(1);
  while (centres.length < k) {
    const centre = points[draw(distances, random)];
    if (centre === undefined) throw new RangeError('Expected at least one point');
    centres.push(centre.slice());
    for (const [i, point] of points.entries()) {
      const distance = squaredDistance(point, centre);
      distances[i] = centres.length === 1 ? distance : Math.min(distances[i] ?? 0, distance);
      await pause();
    }
  }
  return centres;
}

/** Returns a random index, with probabilities proportional to the weights; any index if all weights are 0. */
function draw(weights: readonly number[], random: () => number): number {
  const total = sum(weights);
  if (total === 0) return Math.floor(random() * weights.length);
  let rest = random() * total;
  for (const [i, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0 && weight > 0) return i;
  }
  return weights.findLastIndex((weight) => weight > 0);
}

/** Assigns each point to its nearest centre and moves each centre to the mean of its points until nothing changes. */
async function lloyd(
  points: readonly Float32Array[],
  centres: Float32Array[],
  pause: () => Promise<void>,
): Promise<{ labels: number[]; inertia: number }> {
  const labels = new Array<number>(points.length).fill(-1);
  let inertia = 0;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    let changed = false;
    inertia = 0;
    for (const [i, point] of points.entries()) {
      const { index, distance } = nearestCentre(point, centres);
      inertia += distance;
      changed ||= labels[i] !== index;
      labels[i] = index;
      await pause();
    }
    if (!changed) break;
    moveCentres(centres, points, labels);
  }
  return { labels, inertia };
}

function nearestCentre(point: Float32Array, centres: readonly Float32Array[]): { index: number; distance: number } {
  let nearest = { index: 0, distance: Number.POSITIVE_INFINITY };
  for (const [index, centre] of centres.entries()) {
    const distance = squaredDistance(point, centre);
    if (distance < nearest.distance) nearest = { index, distance };
  }
  return nearest;
}

/** Moves each centre to the mean of its points. A centre without points does not move. */
function moveCentres(centres: Float32Array[], points: readonly Float32Array[], labels: readonly number[]): void {
  const counts = new Array<number>(centres.length).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  for (const [c, centre] of centres.entries()) if ((counts[c] ?? 0) > 0) centre.fill(0);
  for (const [i, point] of points.entries()) {
    const label = labels[i] ?? 0;
    const centre = centres[label];
    const count = counts[label] ?? 1;
    if (centre === undefined) continue;
    for (let d = 0; d < point.length; d++) centre[d] = (centre[d] ?? 0) + (point[d] ?? 0) / count;
  }
}

function renumber(labels: readonly number[]): { labels: number[]; count: number } {
  const numbers = new Map<number, number>();
  for (const label of labels) if (!numbers.has(label)) numbers.set(label, numbers.size);
  return { labels: labels.map((label) => numbers.get(label) ?? 0), count: numbers.size };
}
