import { describe, expect, it } from '@jest/globals';
import { freeThreads, threadRange } from '../../../host/hardware/threads.ts';

describe('the range of threads', () => {
  it.each([
    [1, undefined, { quick: 1, most: 1 }],
    [8, undefined, { quick: 8, most: 7 }],
    [24, 8, { quick: 8, most: 16 }],
    [128, undefined, { quick: 128, most: 16 }],
  ])('of %s cores (%s fast)', (cores, performanceCores, range) =>
    expect(threadRange({ cores, ...(performanceCores === undefined ? {} : { performanceCores }) })).toEqual(range),
  );
});

describe('threads with a free core', () => {
  const alone = (cores: number) => threadRange({ cores });
  const hybrid = threadRange({ cores: 16, performanceCores: 8 });

  it.each([
    ['two idle cores', alone(2), { own: 0, others: 0, idle: 2, cpus: 2 }, { running: 0, usable: 2 }, 1],
    ['two cores, one of them busy', alone(2), { own: 0, others: 1, idle: 1, cpus: 2 }, { running: 0, usable: 2 }, 1],
    [
      'two threads, one shares its core',
      alone(2),
      { own: 1.5, others: 0.5, idle: 0, cpus: 2 },
      { running: 2, usable: 2 },
      1,
    ],
    ['one thread beside a busy core', alone(2), { own: 1, others: 1, idle: 0, cpus: 2 }, { running: 1, usable: 2 }, 1],
    ['a desktop at rest', alone(3), { own: 1.8, others: 0.2, idle: 1, cpus: 3 }, { running: 2, usable: 3 }, 2],
    ['one core that others use', alone(1), { own: 0, others: 1, idle: 0, cpus: 1 }, { running: 0, usable: 1 }, 1],
    [
      'four threads, one shares its core',
      alone(4),
      { own: 3.5, others: 0.5, idle: 0, cpus: 4 },
      { running: 4, usable: 4 },
      3,
    ],
    ['three threads after that', alone(4), { own: 3, others: 1, idle: 0, cpus: 4 }, { running: 3, usable: 4 }, 3],
    [
      'three threads, the neighbour gone',
      alone(4),
      { own: 3, others: 0, idle: 1, cpus: 4 },
      { running: 3, usable: 4 },
      3,
    ],
    [
      'eight threads, three share their cores',
      alone(8),
      { own: 6.5, others: 1.5, idle: 0, cpus: 8 },
      { running: 8, usable: 8 },
      5,
    ],
    [
      'eight cores with two CPUs each, three busy',
      alone(8),
      { own: 0, others: 3, idle: 13, cpus: 16 },
      { running: 0, usable: 16 },
      5,
    ],
    [
      'eight fast cores and eight slow, two busy',
      hybrid,
      { own: 0, others: 2, idle: 22, cpus: 24 },
      { running: 0, usable: 24 },
      6,
    ],
    [
      'a quota of two cores on 64, half of them busy',
      alone(2),
      { own: 0, others: 32, idle: 32, cpus: 64 },
      { running: 0, usable: 2 },
      1,
    ],
    [
      'a quota of two cores on 64, all busy',
      alone(2),
      { own: 0, others: 64, idle: 0, cpus: 64 },
      { running: 2, usable: 2 },
      1,
    ],
    ['a server', alone(128), { own: 0, others: 0, idle: 256, cpus: 256 }, { running: 0, usable: 256 }, 16],
  ])('%s', (_, range, load, now, threads) => expect(freeThreads(range, load, now)).toBe(threads));
});
