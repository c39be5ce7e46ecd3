import { describe, expect, it } from '@jest/globals';
import { slowConnections } from '../../../host/download/connections.ts';

const of = (...rates: number[]) => rates.map((rate) => ({ rate, ageMs: 5_000 }));

describe('slowConnections', () => {
  it('returns the slow ones, even if most are slow', () => {
    expect(slowConnections(of(100, 100, 10, 100)).map(({ rate }) => rate)).toEqual([10]);
    expect(slowConnections(of(100, 5, 100, 5)).map(({ rate }) => rate)).toEqual([5, 5]);
    expect(slowConnections(of(5, 100, 5, 5, 100, 5, 5, 100)).map(({ rate }) => rate)).toEqual([5, 5, 5, 5, 5]);
    expect(slowConnections(of(100, 0)).map(({ rate }) => rate)).toEqual([0]);
  });

  it('returns none if all are equally fast, or if there is only one', () => {
    expect(slowConnections(of(100, 60, 80, 40))).toEqual([]);
    expect(slowConnections(of(0, 0, 0))).toEqual([]);
    expect(slowConnections(of(1))).toEqual([]);
  });

  it('excludes new connections', () => {
    expect(slowConnections([{ rate: 1, ageMs: 100 }, ...of(100, 100)])).toEqual([]);
  });
});
