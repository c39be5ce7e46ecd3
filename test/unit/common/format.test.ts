import { describe, expect, it } from '@jest/globals';
import { formatBytes, formatDuration } from '../../../host/common/format.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1e3, '1.0 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [5_242_880, '5.2 MB'],
    [5.1e9, '5.1 GB'],
    [271e9, '271 GB'],
    [2e12, '2.0 TB'],
    [5e18, '5000 PB'],
  ])('formats %i as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0.4, '0 s'],
    [59.6, '1 min 0 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
    [273_600, '3 d 4 h'],
  ])('formats %f seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
