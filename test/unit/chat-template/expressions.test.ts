import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('an expression', () => {
  it.each([
    [
      '{{ 1 }} {{ 1.0 }} {{ 4/2 }} {{ 7//2 }} {{ -7//2 }} {{ 7%3 }} {{ -7%3 }} {{ 2**3 }} {{ 2**-1 }} {{ 1e16 }} {{ 1e15 }} {{ 0.00001 }} {{ 0.1+0.2 }}',
      '1 1.0 2.0 3 -4 1 2 8 0.5 1e+16 1000000000000000.0 1e-05 0.30000000000000004',
    ],
  ])('distinguishes integers and floats: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      '{{ 2**64 }} {{ 9007199254740993 + 1 }} {{ 10**30 // 7 }} {{ -(10**30) % 7 }}',
      '18446744073709551616 9007199254740994 142857142857142857142857142857 6',
    ],
  ])('computes large integers exactly: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ true }} {{ none }} {{ [none, true, 1.5, 'a', \"it's\"] }} {{ {'a': (1,)} }} {{ () }}",
      "True None [None, True, 1.5, 'a', \"it's\"] {'a': (1,)} ()",
    ],
    ["{{ ['a\\nb\\x00', 'é\\u200b'] }}", "['a\\nb\\x00', 'é\\u200b']"],
  ])("prints Python's literals: %j", (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([["{{ 'a\\tb\\\\n\\'' }}{{ '\\x41\\u00e9\\U0001f600\\101\\q' }}{{ 'a' \"b\" }}", "a\tb\\n'Aé😀A\\qab"]])(
    'reads strings with escapes: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([
    [
      "{{ 1 + 2 * 3 ** 2 }} {{ 'a' + 'b' ~ 1 + 'c' }} {{ not 1 in l }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ -2**2 }} {{ -n|abs }}",
      '19 ab1c False True False 4 3',
    ],
  ])('binds operators as Python does, and ~ tighter than +: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 0 or '' or 'x' }} {{ 1 and 0 }} {{ 'y' if no else 'z' if t else 'q' }} [{{ 'x' if no }}] {{ (1 if no) is defined }}",
      'x 0 z [] False',
    ],
  ])('chooses with and, or and if: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 1 == 1.0 == true }} {{ [1,'a'] == [1,'a'] }} {{ (1,) == [1] }} {{ {'a':1} == {'a':1.0} }} {{ '' == none }} {{ [1,2] < [1,3] }} {{ 'Z' < 'a' }}",
      'True True False True False True True',
    ],
  ])('compares values of all types: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 1 in l }} {{ 'ell' in s }} {{ 'b' in d }} {{ 'x' in d.values() }} {{ 9 not in range(5) }} {{ none in [none] }}",
      'True True True True True True',
    ],
  ])('supports membership tests: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      '{{ s[1:3] }} {{ s[::-1] }} {{ l[:-1] }} {{ l[::2] }} {{ l[5:1:-1] }} {{ range(10)[2:8:3]|list }} {{ (1,2,3)[1:] }}',
      'el dlroW ,olleH [3, 1] [3, 2] [2] [2, 5] (2, 3)',
    ],
  ])('supports slices: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ u|length }} {{ u[4] }} {{ u[3:6] }} {{ u[::-1] }} {{ u.find('n') }} {% for c in u[4:5] %}[{{ c }}]{% endfor %}",
      '11 🙂  🙂  evïan 🙂 ëoZ 6 [🙂]',
    ],
  ])('counts characters, not UTF-16 units: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ {'b':1,'a':2} }} {{ {1:'x','1':'y',1.0:'z'} }} {{ {(1,2):3}[(1,2)] }} {{ {none:1}[none] }}",
      "{'b': 1, 'a': 2} {1: 'z', '1': 'y'} 3 1",
    ],
  ])('preserves the order and type of keys: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ {'items':1}['items'] }} {{ {'get':5}.get('get') }} {{ {'x':1}.x }} {{ nest.a['b'][1].c }} {{ l.0 }}",
      '1 5 1 deep 3',
    ],
  ])('prefers methods after a dot, and keys in brackets: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([["{{ 'ab'*2 }} {{ [0]*3 }} {{ [1]+[2] }} {{ (1,)+(2,) }} {{ 'a'*-1 }}|", 'abab [0, 0, 0] [1, 2] (1, 2) |']])(
    'repeats and joins: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([
    [
      "{{ '%s-%05.1f-%x-%r' % ('a', 3.14159, 255, 'q') }} {{ '%(a)s %(b)+d' % {'a':1,'b':2} }} {{ '%-5s|%5s' % ('x','y') }} {{ '%%' % () }}",
      "a-003.1-ff-'q' 1 +2 x    |    y %",
    ],
  ])('formats with a percent sign: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([['{{ true + 1 }} {{ [1,2][true] }} {{ true|int }} {{ false == 0 }}', '2 2 1 True']])(
    'treats truth values as numbers: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );
});
