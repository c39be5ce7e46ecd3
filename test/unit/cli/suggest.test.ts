import { describe, expect, it } from '@jest/globals';
import { didYouMean, distance, suggest } from '../../../host/cli/suggest.ts';
import { Seeded } from '../../support/gguf/seeded.ts';

describe('distance', () => {
  it.each([
    ['', '', 0],
    ['pull', 'pull', 0],
    ['pul', 'pull', 1],
    ['pulll', 'pull', 1],
    ['poll', 'pull', 1],
    ['upll', 'pull', 1],
    ['', 'pull', 4],
    ['kitten', 'sitting', 3],
  ])('from %j to %j is %i changes', (a, b, changes) => {
    expect(distance(a, b)).toBe(changes);
  });

  it('is symmetric, and at most the length of the longer word', () => {
    const seed = Date.now() % 2 ** 31;
    const random = new Seeded(seed);
    const word = () => Array.from({ length: random.below(9) }, () => random.pick(['a', 'b', 'c'])).join('');
    for (let i = 0; i < 500; i++) {
      const [a, b] = [word(), word()];
      const changes = distance(a, b);
      if (changes !== distance(b, a) || changes > Math.max(a.length, b.length) || (changes === 0) !== (a === b)) {
        throw new Error(`seed ${seed}: ${a} to ${b} took ${changes}`);
      }
    }
  });
});

describe('suggest', () => {
  const commands = ['pull', 'ls', 'ps', 'show', 'rm', 'uninstall', 'install'];

  it('returns the nearest first', () => {
    expect(suggest('instal', commands)).toEqual(['install', 'uninstall']);
    expect(suggest('PULL', commands)).toEqual(['pull']);
  });

  it('completes a prefix', () => {
    expect(suggest('unin', commands)).toEqual(['uninstall']);
  });

  it('suggests nothing for an unrelated word', () => {
    expect(suggest('frobnicate', commands)).toEqual([]);
    expect(suggest('', commands)).toEqual([]);
    expect(didYouMean('frobnicate', commands)).toBe('');
  });

  it('returns promptly for a very long name', () => {
    expect(suggest('x'.repeat(1e6), ['y'.repeat(1e6)])).toEqual([]);
  });
});
