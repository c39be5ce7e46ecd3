import { describe, expect, it } from '@jest/globals';
import { farBelow } from '../../../host/download/slow-connections.ts';

const of = (...rates: number[]) => rates.map((rate) => ({ rate, ageMs: 5_000 }));

describe('connections far below the others', () => {
  it('are named, also where most are slow', () => {
    expect(farBelow(of(100, 100, 10, 100)).map(({ rate }) => rate)).toEqual([10]);
    expect(farBelow(of(100, 5, 100, 5)).map(({ rate }) => rate)).toEqual([5, 5]);
    expect(farBelow(of(5, 100, 5, 5, 100, 5, 5, 100)).map(({ rate }) => rate)).toEqual([5, 5, 5, 5, 5]);
    expect(farBelow(of(100, 0)).map(({ rate }) => rate)).toEqual([0]);
  });

  it('are none where all are alike, or where there is one', () => {
    expect(farBelow(of(100, 60, 80, 40))).toEqual([]);
    expect(farBelow(of(0, 0, 0))).toEqual([]);
    expect(farBelow(of(1))).toEqual([]);
  });

  it('get their time to come up to speed', () => {
    expect(farBelow([{ rate: 1, ageMs: 100 }, ...of(100, 100)])).toEqual([]);
  });
});
