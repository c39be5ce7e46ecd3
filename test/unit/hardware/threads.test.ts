import { describe, expect, it } from '@jest/globals';
import { firstThreads, freeThreads, threadRange } from '../../../host/hardware/threads.ts';

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

describe('threads that have a core at present', () => {
  const alone = (cores: number) => threadRange({ cores });
  const hybrid = threadRange({ cores: 16, quickCores: 8 });

  it.each([
    ['two idle cores', alone(2), { busy: 0, idle: 2, among: 2 }, 2, 2],
    ['two cores, one of them busy', alone(2), { busy: 1, idle: 1, among: 2 }, 2, 1],
    ['two full cores, a neighbour shares one with a thread of ours', alone(2), { busy: 0.5, idle: 0, among: 2 }, 2, 1],
    ['two cores and a desktop at rest', alone(2), { busy: 0.2, idle: 0, among: 2 }, 2, 2],
    ['one core that others keep busy', alone(1), { busy: 1, idle: 0, among: 1 }, 1, 1],
    ['eight full cores, three neighbours share with us', alone(8), { busy: 1.5, idle: 0, among: 8 }, 8, 5],
    ['eight cores with two threads each, three busy', alone(8), { busy: 3, idle: 13, among: 16 }, 16, 5],
    ['eight quick cores beside eight others, two busy', hybrid, { busy: 2, idle: 22, among: 24 }, 24, 6],
    ['a quota of two cores on 64, half of them busy', alone(2), { busy: 32, idle: 32, among: 64 }, 2, 2],
    ['a quota of two cores on 64, all busy', alone(2), { busy: 64, idle: 0, among: 64 }, 2, 1],
    ['a server', alone(128), { busy: 0, idle: 256, among: 256 }, 256, 16],
  ])('%s', (_, range, load, usable, threads) => expect(freeThreads(range, load, usable)).toBe(threads));
});
