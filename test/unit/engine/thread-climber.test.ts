import { describe, expect, it } from '@jest/globals';
import { ThreadClimber } from '../../../host/engine/runner/threads/thread-climber.ts';
import { Seeded } from '../../support/gguf/seeded.ts';

/** Milliseconds a token takes with so many threads. */
type Machine = (threads: number) => number;

/** Each core adds its part, up to where the memory is what all wait for; threads without a core spin. */
const machine =
  ({ cores, free = cores, enough = cores }: { cores: number; free?: number; enough?: number }): Machine =>
  (threads) => {
    const useful = Math.min(threads, enough);
    const spinning = threads > free ? 4 * (threads - free) : 1;
    return (40 / useful) * spinning * (1 + 0.01 * Math.max(0, threads - enough));
  };

/** Evaluates tokens, with what chance does to each time; gives the threads of each. */
function evaluate(climber: ThreadClimber, times: Machine, tokens: number, random: Seeded) {
  const threads: number[] = [];
  for (let token = 0; token < tokens; token += 1) {
    threads.push(climber.threads);
    // Some 5 % up and down, and now and then another program wakes up.
    const chance = 0.95 + random.below(100) / 1000 + (random.below(50) === 0 ? 2 : 0);
    const ms = times(climber.threads) * chance;
    climber.took(1, ms);
  }
  return { threads };
}

describe('the number of threads', () => {
  const seed = 11;

  it.each([
    ['two idle cores', machine({ cores: 2 }), 1, 2, 2],
    ['two cores of which one is busy', machine({ cores: 2, free: 1 }), 1, 2, 1],
    ['the same, begun with too many', machine({ cores: 2, free: 1 }), 2, 2, 1],
    ['eight idle cores', machine({ cores: 8 }), 7, 8, 8],
    ['eight cores of which half are busy', machine({ cores: 8, free: 4 }), 7, 8, 4],
    ['a memory that six cores keep busy', machine({ cores: 16, enough: 6 }), 15, 16, 6],
  ])('comes to what is best with %s', (_, times, first, most, best) => {
    const random = new Seeded(seed);
    const climber = new ThreadClimber({ first, most });
    evaluate(climber, times, 400, random);
    const { threads } = evaluate(climber, times, 2_000, random);
    const near = threads.filter((n) => times(n) <= 1.05 * times(best)).length;
    expect(near / threads.length).toBeGreaterThan(0.9);
  });

  it('goes down when a neighbour comes, and up again when it goes', () => {
    const random = new Seeded(seed);
    const climber = new ThreadClimber({ first: 3, most: 4 });
    evaluate(climber, machine({ cores: 4 }), 300, random);
    expect(climber.threads).toBeGreaterThanOrEqual(3);
    const busy = evaluate(climber, machine({ cores: 4, free: 2 }), 300, random);
    expect(busy.threads.slice(150).filter((n) => n === 2).length).toBeGreaterThan(120);
    const idle = evaluate(climber, machine({ cores: 4 }), 600, random);
    expect(idle.threads.slice(400).filter((n) => n === 4).length).toBeGreaterThan(160);
  });

  it('gives up at once what is hopeless', () => {
    const climber = new ThreadClimber({ first: 1, most: 2 });
    const tried: number[] = [];
    for (let token = 0; token < 200; token += 1) {
      tried.push(climber.threads);
      climber.took(1, climber.threads === 1 ? 20 : 900);
    }
    expect(tried).toContain(2);
    expect(
      tried
        .join('')
        .match(/2+/g)
        ?.every((run) => run.length === 1),
    ).toBe(true);
  });

  it('loses a fiftieth of its time, and no more, to trials that are many times slower', () => {
    const climber = new ThreadClimber({ first: 1, most: 2 });
    climber.suggest(1);
    const random = new Seeded(seed);
    let spent = 0;
    let needed = 0;
    for (let token = 0; token < 10_000; token += 1) {
      const ms = (climber.threads === 1 ? 12 : 280) * (0.95 + random.below(100) / 1000);
      climber.took(1, ms);
      spent += ms;
      needed += 12;
    }
    expect(needed / spent).toBeGreaterThan(0.97);
  });

  it('tries more at once when the system says that a neighbour has gone, however long the rest', () => {
    const climber = new ThreadClimber({ first: 1, most: 2 });
    climber.suggest(1);
    const random = new Seeded(seed);
    evaluate(climber, machine({ cores: 2, free: 1 }), 2_000, random);
    climber.suggest(2);
    const { threads } = evaluate(climber, machine({ cores: 2 }), 100, random);
    expect(threads.indexOf(2)).toBeLessThan(15);
    expect(threads.slice(40).filter((n) => n === 2).length).toBeGreaterThan(40);
  });

  it('goes down with the second slow evaluation when the system says that a neighbour has come', () => {
    const climber = new ThreadClimber({ first: 2, most: 2 });
    climber.suggest(2);
    const random = new Seeded(seed);
    evaluate(climber, machine({ cores: 2 }), 300, random);
    // In the middle of a window, so that what came before is in it too.
    while (climber.threads !== 2) climber.took(1, machine({ cores: 2 })(climber.threads));
    climber.suggest(1);
    const { threads } = evaluate(climber, machine({ cores: 2, free: 1 }), 200, random);
    expect(threads.indexOf(1)).toBeLessThan(12);
    expect(threads.slice(20).filter((n) => n === 1).length).toBeGreaterThan(140);
  });

  it('is not driven from what is good by a load that comes and goes', () => {
    const climber = new ThreadClimber({ first: 2, most: 2 });
    const random = new Seeded(seed);
    evaluate(climber, machine({ cores: 2 }), 300, random);
    let fewer = 0;
    for (let look = 0; look < 200; look += 1) {
      climber.suggest(1 + (look % 2));
      fewer += evaluate(climber, machine({ cores: 2 }), 12, random).threads.filter((n) => n === 1).length;
    }
    expect(fewer / 2_400).toBeLessThan(0.05);
  });

  it('begins with what the system says where nothing was measured yet', () => {
    const climber = new ThreadClimber({ first: 1, most: 8 });
    for (const [said, threads] of [
      [5, 5],
      [0, 1],
      [40, 8],
    ] as const) {
      climber.suggest(said);
      expect(climber.threads).toBe(threads);
    }
  });

  it('stays one where there is but one, and within its bounds whatever it hears', () => {
    const one = new ThreadClimber({ first: 5, most: 1 });
    for (let token = 0; token < 100; token += 1) one.took(1, 10);
    expect(one.threads).toBe(1);
    const random = new Seeded(seed);
    const any = new ThreadClimber({ first: 0, most: 6 });
    for (let token = 0; token < 5_000; token += 1) {
      any.took(random.below(3), random.below(2_000));
      if (random.below(20) === 0) any.suggest(random.below(12));
      expect(any.threads).toBeGreaterThanOrEqual(1);
      expect(any.threads).toBeLessThanOrEqual(6);
    }
  });
});
