import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('a method of strings, lists and dictionaries', () => {
  it.each([
    [
      "{{ ws.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ '\\n a'.lstrip('\\n') }}|{{ 'a \\n'.rstrip() }}|",
      'x y\t z|a| a|a|',
    ],
  ])('strips: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 'a,b,c'.split(',', 1) }} {{ ' a  b '.split() }} {{ 'a b c'.split(None, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a\\nb\\r\\nc'.splitlines() }} {{ 'k=v=w'.partition('=') }} {{ 'k=v=w'.rpartition('=') }} {{ '-'.join(['a','b']) }}",
      "['a', 'b,c'] ['a', 'b'] ['a', 'b c'] ['a,b', 'c'] ['a', 'b', 'c'] ('k', '=', 'v=w') ('k=v', '=', 'w') a-b",
    ],
  ])('splits and joins: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ s.find('o') }} {{ s.rfind('o') }} {{ s.find('zz') }} {{ s.count('l') }} {{ s.index('W') }} {{ s.startswith(('x','He')) }} {{ s.endswith('d') }} {{ s.startswith('e', 1) }}",
      '4 8 -1 3 7 True True True',
    ],
  ])('finds and counts: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ s.replace('o','0') }} {{ s.replace('o','0',1) }} {{ 'abc'.replace('','-') }} {{ 'abc'.removeprefix('a').removesuffix('c') }}",
      'Hell0, W0rld Hell0, World -a-b-c- b',
    ],
  ])('replaces: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 'aB'.upper() }} {{ 'ÀB'.lower() }} {{ \"it's ok\".title() }} {{ 'hELLO'.capitalize() }} {{ 'aB'.swapcase() }} {{ 'ß'.upper() }}",
      "AB àb It'S Ok Hello Ab SS",
    ],
  ])('changes case: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a'.center(4,'*') }} {{ 'a'.ljust(3) }}| {{ 'a'.rjust(3,'.') }}",
      '007 -007 *a** a  | ..a',
    ],
  ])('pads: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      '{% set r = range(1, 9, 2) %}{{ r.start }} {{ r.stop }} {{ r.step }} {{ r.index(5) }} {{ r.count(5) }} {{ r.count(4) }}',
      '1 9 2 2 1 0',
    ],
    ["{{ 'Hello World foo'|wordwrap(2) }}", 'He\nll\no \nWo\nrl\nd \nfo\no'],
  ])('has what Python has: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ 'ab'.isalpha() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'é'.isascii() }} {{ ''.isdigit() }}",
      'True True True True True False False',
    ],
  ])('tests strings: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ '{} {1}'.format(1) if no }}{{ '{}-{}'.format(1,'x') }} {{ '{b}{a}'.format(a=1,b=2) }} {{ '{:>5}|{:05.1f}|{:,}|{!r}'.format('x', 2.25, 1234567, 'q') }} {{ '{0[a]}{{}}'.format({'a':1}) }} {{ '{x}'.format_map({'x':1}) }}",
      "1-x 21     x|002.2|1,234,567|'q' 1{} 1",
    ],
    [
      "{{ '{:.0e} {:.0e} {:.1e}'.format(2.5, 3.5, 1.25) }} {{ '%.0e' % 2.5 }} {{ '{:<06}|{:^08.1f}'.format(3, 2.5) }} {{ '{:#.0f} {:#.0e}'.format(2, 3) }} {{ '%#.0f' % 2 }}",
      '2e+00 4e+00 1.2e+00 2e+00 300000|002.5000 2. 3.e+00 2.',
    ],
  ])('formats: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ d.keys()|list }} {{ d.values()|list }} {{ d.items()|list }} {{ d.get('q') }} {{ d.items() }}",
      "['b', 'a', 'C'] [1, 'x', None] [('b', 1), ('a', 'x'), ('C', None)] None dict_items([('b', 1), ('a', 'x'), ('C', None)])",
    ],
  ])('reads dictionaries: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([['{{ l.index(2) }} {{ l.count(1) }} {{ (1,1).count(1) }}', '2 1 2']])(
    'reads lists: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );
});
