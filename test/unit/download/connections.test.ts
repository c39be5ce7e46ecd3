import { describe, expect, it } from '@jest/globals';
import { slowConnections } from '../../../host/download/connections.ts';

const of = (...rates: number[]) => rates.map((rate) => ({ rate, ageMs: 5_000 }));

describe('connections far below the others', () => {
  it('are named, also where most are slow', () => {
    expect(slowConnections(of(100, 100, 10, 100)).map(({ rate }) => rate)).toEqual([10]);
    expect(slowConnections(of(100, 5, 100, 5)).map(({ rate }) => rate)).toEqual([5, 5]);
    expect(slowConnections(of(5, 100, 5, 5, 100, 5, 5, 100)).map(({ rate }) => rate)).toEqual([5, 5, 5, 5, 5]);
    expect(slowConnections(of(100, 0)).map(({ rate }) => rate)).toEqual([0]);
  });

  it('are none where all are alike, or where there is one', () => {
    expect(slowConnections(of(100, 60, 80, 40))).toEqual([]);
    expect(slowConnections(of(0, 0, 0))).toEqual([]);
    expect(slowConnections(of(1))).toEqual([]);
  });

  it('get their time to come up to speed', () => {
    expect(slowConnections([{ rate: 1, ageMs: 100 }, ...of(100, 100)])).toEqual([]);
  });
});
