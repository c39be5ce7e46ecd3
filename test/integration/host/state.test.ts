import { describe, expect, it } from '@jest/globals';
import { shrink } from '../../support/state/shrink.ts';
import { runSteps } from '../../support/state/state-run.ts';
import { makeSteps } from '../../support/state/steps.ts';

/** `npm run bench -- state` runs other seeds with thousands of steps, and shrinks failing sequences. */
const SEEDS = [1, 2, 3];
const STEPS = 50;

describe('hosts that share a data folder', () => {
  it.each(SEEDS)(
    'match the disk and a model of the state after each random action: seed %i',
    async (seed) => {
      const steps = makeSteps(seed, STEPS);
      const failure = await runSteps(steps);
      expect(failure && { ...failure, step: steps[failure.at] }).toBeUndefined();
    },
    300_000,
  );
});

describe('a failing sequence', () => {
  it('is shrunk to the steps that cause the failure', async () => {
    const replay = async (items: readonly number[]) =>
      items.includes(3) && items.indexOf(7) > items.indexOf(3) ? `7 behind 3, of ${items.length}` : undefined;
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    expect(await shrink(numbers, 'all', { replay, limitMs: 60_000 })).toEqual({
      items: [3, 7],
      failure: '7 behind 3, of 2',
    });
    expect((await shrink(numbers, 'all', { replay, limitMs: -1 })).items).toEqual(numbers);
  });
});
