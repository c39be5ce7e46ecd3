import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('a function', () => {
  it.each([
    [
      "{{ dict(a=1, **{'b':2}) }} {{ dict([('x',1)]) }} {{ range(3)|list }} {{ range(5,0,-2)|list }} {{ range(3) }}",
      "{'a': 1, 'b': 2} {'x': 1} [0, 1, 2] [5, 3, 1] range(0, 3)",
    ],
  ])('creates values: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{% set c = cycler('a','b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner(',') %}{{ j() }}{{ j() }}",
      'abab,',
    ],
  ])('cycles through values: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ strftime_now('%d %b %Y, %H:%M') }} {{ strftime_now('%-d %B %y %j %I %p %A %e|%U %W %V %G %u') }} {{ strftime_now('%%') }}",
      '04 Jul 2025, 09:05 4 July 25 185 09 AM Friday  4|26 26 27 2025 5 %',
    ],
    [
      "{{ strftime_now('%OB|%Od|%Ey|%Ea|%OY') }} {{ strftime_now('%#p %^P %#c %^a') }} {{ strftime_now('%3e|%-3d|%_3d|%3d') }}",
      'July|04|25|%Ea|%OY am am Fri Jul  4 09:05:03 2025 FRI   4|  4|  4|004',
    ],
  ])('returns the time: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});
