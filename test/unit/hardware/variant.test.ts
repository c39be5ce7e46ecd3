import { describe, expect, it } from '@jest/globals';
import { chooseVariant } from '../../../host/hardware/variant.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

describe('chooseVariant', () => {
  it.each(RECORDED_CPUS)('chooses $variant for $machine', ({ facts, variant }) =>
    expect(chooseVariant(facts)).toBe(variant),
  );

  it('never chooses a build that requires a flag the CPU lacks, whichever flag is hidden', () => {
    for (const { machine, facts, variant } of RECORDED_CPUS) {
      for (const hidden of facts.flags) {
        const without = { ...facts, flags: facts.flags.filter((flag) => flag !== hidden) };
        const chosen = chooseVariant(without);
        // A hidden flag can only exclude builds, never allow one with more features.
        if (chosen !== variant)
          expect([machine, hidden, rank(chosen) < rank(variant)]).toEqual([machine, hidden, true]);
      }
    }
  });

  it('returns null if the packages contain only one build', () => {
    const [{ facts } = { facts: undefined }] = RECORDED_CPUS;
    if (facts === undefined) throw new Error('The recordings are gone');
    expect(chooseVariant({ ...facts, architecture: 'arm' })).toBeNull();
    expect(chooseVariant({ ...facts, architecture: 'ia32' })).toBeNull();
    expect(chooseVariant({ ...facts, architecture: 'arm64', platform: 'win32' })).toBeNull();
  });
});

/** The builds in ascending order of ggml's score. */
const ORDER = [
  'x64',
  'sse42',
  'sandybridge',
  'ivybridge',
  'piledriver',
  'haswell',
  'alderlake',
  'skylakex',
  'cannonlake',
  'cascadelake',
  'icelake',
  'cooperlake',
  'zen4',
  'sapphirerapids',
  'armv8.0_1',
  'armv8.2_1',
  'armv8.2_2',
  'armv8.2_3',
  'armv8.6_1',
  'armv8.6_2',
  'armv9.2_1',
  'armv9.2_2',
];

function rank(variant: string | null): number {
  return ORDER.indexOf(variant ?? '');
}
