import { describe, expect, it } from '@jest/globals';
import { centroid } from '../../../host/vectors/centroid.ts';
import { kMeans } from '../../../host/vectors/k-means.ts';
import { nearest } from '../../../host/vectors/nearest.ts';
import { silhouette } from '../../../host/vectors/silhouette.ts';
import { Seeded } from '../../support/gguf/seeded.ts';

const vector = (...values: number[]) => Float32Array.from(values);
const pause = async () => undefined;

/** Returns points around three corners, alternating between them. */
function corners(seed: number): { points: Float32Array[]; labels: number[] } {
  const random = new Seeded(seed);
  const near = (x: number) => x + random.below(100) / 100;
  const points = Array.from({ length: 60 }, (_, i) => vector(near(i % 3 === 1 ? 20 : 0), near(i % 3 === 2 ? 20 : 0)));
  return { points, labels: points.map((_, i) => i % 3) };
}

describe('clustering', () => {
  it('finds separate clusters with any seed, numbered in order of appearance', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { points, labels } = corners(seed + 1);
      expect(await kMeans(points, { k: 3, seed, pause })).toMatchObject({ labels, count: 3 });
    }
  });

  it('returns the same clusters for the same seed', async () => {
    const random = new Seeded(3);
    const points = Array.from({ length: 80 }, () => vector(random.below(100), random.below(100)));
    const first = await kMeans(points, { k: 7, seed: 5, pause });
    expect(await kMeans(points, { k: 7, seed: 5, pause })).toEqual(first);
    expect(first.count).toBe(7);
  });

  it('computes the inertia of a case calculated by hand', async () => {
    const points = [vector(0), vector(2), vector(10), vector(14)];
    expect(await kMeans(points, { k: 2, seed: 0, pause })).toEqual({ labels: [0, 0, 1, 1], count: 2, inertia: 10 });
    expect((await kMeans(points, { k: 1, seed: 0, pause })).inertia).toBeCloseTo(131, 4);
    expect((await kMeans(points, { k: 4, seed: 0, pause })).inertia).toBe(0);
  });

  it('ends when every point is assigned to its nearest centre', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = new Seeded(seed);
      const points = Array.from({ length: 60 }, () => vector(random.below(1_000), random.below(1_000)));
      const { labels, count } = await kMeans(points, { k: 6, seed, pause });
      const middles = Array.from({ length: count }, (_, label) => {
        const members = points.filter((_point, i) => labels[i] === label);
        return [0, 1].map((d) => members.reduce((sum, point) => sum + (point[d] ?? 0), 0) / members.length);
      });
      for (const [i, point] of points.entries()) {
        const distances = middles.map((middle) => Math.hypot(...middle.map((value, d) => value - (point[d] ?? 0))));
        expect(distances[labels[i] ?? -1]).toBeCloseTo(Math.min(...distances), 3);
      }
    }
  });

  it('returns fewer clusters for equal points', async () => {
    const points = [vector(1, 1), vector(1, 1), vector(5, 5), vector(1, 1)];
    expect(await kMeans(points, { k: 3, seed: 1, pause })).toEqual({ labels: [0, 0, 1, 0], count: 2, inertia: 0 });
  });

  it('rejects more clusters than points', async () => {
    await expect(kMeans([vector(1)], { k: 2, seed: 0, pause })).rejects.toThrow(RangeError);
    await expect(kMeans([], { k: 0, seed: 0, pause })).rejects.toThrow(RangeError);
  });

  it('is aborted if its yield callback throws', async () => {
    const giveUp = async () => {
      throw new Error('gone');
    };
    await expect(kMeans(corners(1).points, { k: 3, seed: 0, pause: giveUp })).rejects.toThrow('gone');
    await expect(silhouette(corners(1).points, corners(1).labels, giveUp)).rejects.toThrow('gone');
  });
});

describe('the silhouette', () => {
  it('equals a value calculated by hand', async () => {
    // a = 1 for all; b = 10.5, 9.5, 9.5 and 10.5.
    const expected = (9.5 / 10.5 + 8.5 / 9.5) / 2;
    const points = [vector(0), vector(1), vector(10), vector(11)];
    expect(await silhouette(points, [0, 0, 1, 1], pause)).toBeCloseTo(expected, 6);
  });

  it('is close to 1 for separate clusters, negative for wrong ones, 0 for single points, and null for one cluster', async () => {
    const { points, labels } = corners(2);
    expect(await silhouette(points, labels, pause)).toBeGreaterThan(0.9);
    expect(
      await silhouette(
        points,
        labels.map((_, i) => Math.floor(i / 20)),
        pause,
      ),
    ).toBeLessThan(0);
    expect(await silhouette([vector(0), vector(9)], [0, 1], pause)).toBe(0);
    expect(
      await silhouette(
        points,
        labels.map(() => 0),
        pause,
      ),
    ).toBeNull();
  });
});

describe('ranking', () => {
  it('returns the best items first, the earlier one for equal scores, and none below the threshold', () => {
    const scores = [0.1, 0.9, 0.5, 0.9, -1].map((score, index) => ({ index, score }));
    expect(nearest(scores, 3).map(({ index }) => index)).toEqual([1, 3, 2]);
    expect(nearest(scores, 10, 0.5).map(({ index }) => index)).toEqual([1, 3, 2]);
    expect(nearest(scores, 10).map(({ index }) => index)).toEqual([1, 3, 2, 0, 4]);
  });

  it('computes the mean direction of vectors of any length', () => {
    const middle = centroid([vector(10, 0), vector(0, 0.1)]);
    expect([...middle]).toEqual([expect.closeTo(0.5, 6), expect.closeTo(0.5, 6)]);
    expect(() => centroid([])).toThrow(RangeError);
  });
});
