import { describe, expect, it } from '@jest/globals';
import { textBatches } from '../../../host/actions/text-request.ts';

const named = (lengths: readonly number[]) => lengths.map((length, i) => ({ name: `${i}`, text: 'x'.repeat(length) }));
const sizes = (lengths: readonly number[]) => [...textBatches(named(lengths))].map((batch) => batch.length);

describe('batches of texts', () => {
  it('have at most sixteen short texts, and contain every text once, in order', () => {
    const texts = named(new Array<number>(40).fill(5));
    expect([...textBatches(texts)].flat()).toEqual(texts);
    expect(sizes(new Array<number>(40).fill(5))).toEqual([16, 16, 8]);
  });

  it('have fewer long texts, and a text that is longer than a batch alone', () => {
    expect(sizes([10_000, 6_384, 1, 16_383, 1, 1])).toEqual([2, 2, 2]);
    expect(sizes([1, 500_000, 1, 500_000])).toEqual([1, 1, 1, 1]);
    expect(sizes([])).toEqual([]);
  });
});
