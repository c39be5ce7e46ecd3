import { describe, expect, it } from '@jest/globals';
import { microarchitecture } from '../../../host/hardware/microarchitecture.ts';
import { AMD_MODELS, INTEL_MODELS } from '../../../host/hardware/x86-models.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

describe('microarchitecture', () => {
  it.each(RECORDED_CPUS)('of $machine is $microarchitecture', ({ facts, microarchitecture: expected }) =>
    expect(microarchitecture(facts)).toBe(expected),
  );

  it('is not guessed from incomplete CPUID information', () => {
    const facts = RECORDED_CPUS.find(({ machine }) => machine === 'i7-4770')?.facts;
    if (facts === undefined) throw new Error('The recording is gone');
    expect(microarchitecture({ ...facts, model: null })).toBeNull();
    expect(microarchitecture({ ...facts, family: null })).toBeNull();
    expect(microarchitecture({ ...facts, vendor: '' })).toBeNull();
  });

  it.each([
    ['GenuineIntel', INTEL_MODELS],
    ['AuthenticAMD', AMD_MODELS],
  ] as const)('finds every row of the table of %s: none is hidden by one before it', (vendor, rows) => {
    for (const { family, models, steppings, brand, name } of rows) {
      const [[model] = [0]] = models;
      const modelName = brand === undefined ? '' : 'Intel(R) Core(TM) i7-10510U CPU @ 1.80GHz';
      const facts = { ...NOTHING, vendor, modelName, family, model, stepping: steppings?.[0] ?? 0 };
      expect(microarchitecture(facts)).toBe(name);
    }
  });
});

const NOTHING = { architecture: 'x64', platform: 'linux', part: null, flags: [], cores: 1, threads: 1 };
