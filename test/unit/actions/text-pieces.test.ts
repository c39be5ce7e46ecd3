import { describe, expect, it } from '@jest/globals';
import { textPieces } from '../../../host/actions/text-pieces.ts';

const named = (lengths: readonly number[]) => lengths.map((length, i) => ({ name: `${i}`, text: 'x'.repeat(length) }));
const sizes = (lengths: readonly number[]) => [...textPieces(named(lengths))].map((piece) => piece.length);

describe('pieces of a list of texts', () => {
  it('hold sixteen short texts at most, and every text once, in order', () => {
    const texts = named(new Array<number>(40).fill(5));
    expect([...textPieces(texts)].flat()).toEqual(texts);
    expect(sizes(new Array<number>(40).fill(5))).toEqual([16, 16, 8]);
  });

  it('hold fewer long texts, and one that is longer than a piece by itself', () => {
    expect(sizes([10_000, 6_384, 1, 16_383, 1, 1])).toEqual([2, 2, 2]);
    expect(sizes([1, 500_000, 1, 500_000])).toEqual([1, 1, 1, 1]);
    expect(sizes([])).toEqual([]);
  });
});
