import { describe, expect, it } from '@jest/globals';
import { firstThreads, threadRange } from '../../../host/hardware/threads.ts';

describe('threads to begin with', () => {
  it.each([
    // cores, quick ones (undefined: all alike), busy cores, threads
    [1, undefined, 0, 1],
    [2, undefined, 0, 1],
    [2, undefined, 2, 1],
    [8, undefined, 0, 7],
    [8, undefined, 0.4, 7],
    [8, undefined, 3.2, 5],
    [8, undefined, 40, 1],
    [24, 8, 0, 7],
    [24, 8, 2, 6],
    [128, undefined, 0, 16],
    [128, undefined, 120, 8],
  ])('of %s cores (%s quick) with %s busy: %s', (cores, quickCores, busy, threads) => {
    const range = threadRange({ cores, ...(quickCores === undefined ? {} : { quickCores }) });
    expect(firstThreads(range, busy)).toBe(threads);
    expect(range.most).toBe(Math.min(16, cores));
  });
});
