import { describe, expect, it } from '@jest/globals';
import { encodeVector } from '../../../host/vectors/encode.ts';
import { cosine, dotProduct, similarity, squaredDistance, unit } from '../../../host/vectors/similarity.ts';
import { Seeded } from '../../support/gguf/seeded.ts';

const vector = (...values: number[]) => Float32Array.from(values);

describe('similarity', () => {
  it('computes the cosine of angles of 90, 180 and 0 degrees', () => {
    expect(cosine(vector(1, 0), vector(0, 5))).toBe(0);
    expect(cosine(vector(3, 4), vector(6, 8))).toBeCloseTo(1, 6);
    expect(cosine(vector(3, 4), vector(-3, -4))).toBeCloseTo(-1, 6);
    expect(cosine(vector(1, 0), vector(1, 1))).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it('is between −1 and 1, and 0 for a zero vector', () => {
    const random = new Seeded(7);
    for (let i = 0; i < 200; i++) {
      const a = Float32Array.from({ length: 8 }, () => random.below(2_000) - 1_000);
      expect(cosine(a, a)).toBeLessThanOrEqual(1);
      expect(
        cosine(
          a,
          a.map((value) => -value),
        ),
      ).toBeGreaterThanOrEqual(-1);
    }
    expect(cosine(vector(0, 0), vector(1, 2))).toBe(0);
  });

  it("computes the original's other metrics", () => {
    expect(similarity('dot_product', vector(1, 2, 3), vector(4, 5, 6))).toBe(32);
    expect(similarity('euclidean', vector(0, 0), vector(3, 4))).toBeCloseTo(1 / 6, 12);
    expect(similarity('euclidean', vector(1, 2), vector(1, 2))).toBe(1);
    expect(similarity('cosine', vector(1, 0), vector(1, 1))).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it('computes the distance of vectors of any length', () => {
    for (let length = 0; length < 12; length++) {
      const a = Float32Array.from({ length }, (_, i) => i);
      const b = Float32Array.from({ length }, (_, i) => 2 * i + 1);
      const expected = [...a].reduce((sum, value) => sum + (value + 1) ** 2, 0);
      expect(squaredDistance(a, b)).toBe(expected);
    }
    expect(() => squaredDistance(vector(1), vector(1, 2))).toThrow(RangeError);
  });

  it('scales vectors to length 1, except zero vectors', () => {
    expect([...unit(vector(3, 4))]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
    expect([...unit(vector(0, 0))]).toEqual([0, 0]);
  });

  it('rejects vectors of different lengths', () => {
    expect(() => dotProduct(vector(1), vector(1, 2))).toThrow(RangeError);
  });
});

describe('encodeVector', () => {
  it('encodes floats with few digits from which the same 32-bit floats are restored', () => {
    const random = new Seeded(11);
    const values = Float32Array.from(
      { length: 500 },
      () => (random.below(2 ** 31) - 2 ** 30) / 2 ** (10 + random.below(40)),
    );
    const text = JSON.stringify(encodeVector(values, 'float'));
    expect([...Float32Array.from(JSON.parse(text))]).toEqual([...values]);
    expect(text.length / values.length).toBeLessThan(18);
  });

  it('encodes little-endian floats as base64', () => {
    expect(encodeVector(vector(1, -2), 'base64')).toBe(
      Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]).toString('base64'),
    );
  });
});
