import { sum } from '../common/sum.ts';
import { seededRandom } from './random.ts';
import { squaredDistance } from './similarity.ts';

/** Rounds after which the clusters are taken as they are. Lloyd's algorithm on texts settles in some ten. */
const MAX_ROUNDS = 100;

/** Beginnings that are tried; the tightest clusters of all are taken. */
const STARTS = 4;

/** How points are to be clustered. */
export interface KMeansOptions {
  /** Clusters wanted, 1 to the number of points. */
  readonly k: number;
  /** The same seed gives the same clusters. */
  readonly seed: number;
  /** Awaited often; may let others run, and may throw to give the work up. */
  readonly pause: () => Promise<void>;
}

/** What the points came to. */
export interface Clusters {
  /** Each point's cluster, numbered from 0 in the order in which they first appear. */
  readonly labels: number[];
  /** Clusters that have points; fewer than asked for where too many points are the same. */
  readonly count: number;
  /** Sum of the squared distances of points from the centres of their clusters. */
  readonly inertia: number;
}

/**
 * Clusters points by Lloyd's algorithm, begun with k-means++ (Arthur and Vassilvitskii, 2007).
 *
 * @throws RangeError for more clusters than points, or none.
 */
export async function kMeans(points: readonly Float32Array[], options: KMeansOptions): Promise<Clusters> {
  const { k, seed, pause } = options;
  if (k < 1 || k > points.length) throw new RangeError(`Expected 1 to ${points.length} clusters, got ${k}`);
  const random = seededRandom(seed);
  let best: { labels: number[]; inertia: number } | undefined;
  for (let start = 0; start < STARTS; start++) {
    const found = await settle(points, await firstCentres(points, k, random, pause), pause);
    if (best === undefined || found.inertia < best.inertia) best = found;
  }
  const { labels = [], inertia = 0 } = best ?? {};
  return { ...renumber(labels), inertia };
}

/** Takes points as centres, each with a chance that grows with the square of its distance from those taken already. */
async function firstCentres(
  points: readonly Float32Array[],
  k: number,
  random: () => number,
  pause: () => Promise<void>,
): Promise<Float32Array[]> {
  const centres: Float32Array[] = [];
  const distances = new Array<number>(points.length).fill(1);
  while (centres.length < k) {
    const centre = points[draw(distances, random)];
    if (centre === undefined) throw new RangeError('Expected a point to begin with');
    centres.push(centre.slice());
    for (const [i, point] of points.entries()) {
      const distance = squaredDistance(point, centre);
      distances[i] = centres.length === 1 ? distance : Math.min(distances[i] ?? 0, distance);
      await pause();
    }
  }
  return centres;
}

/** An index, with a chance in proportion to its weight; any, where all weights are zero. */
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

/** Gives each point to its nearest centre and moves the centres to the middle of their points, until nothing changes. */
async function settle(
  points: readonly Float32Array[],
  centres: Float32Array[],
  pause: () => Promise<void>,
): Promise<{ labels: number[]; inertia: number }> {
  const labels = new Array<number>(points.length).fill(-1);
  let inertia = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
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
    move(centres, points, labels);
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

/** A centre without points stays where it is. */
function move(centres: Float32Array[], points: readonly Float32Array[], labels: readonly number[]): void {
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
