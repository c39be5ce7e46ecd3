import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('the whitespace of a template', () => {
  it.each([
    ['a\n{% if t %}\nb\n{% endif %}\nc\n', 'a\nb\nc'],
    ['a\n  {% if t %}\n  b\n  {% endif %}\n  c', 'a\n  b\n  c'],
    ['x\n  {# note #}\ny', 'x\ny'],
    ['x\n  {%+ if t %}y{% endif +%}\nz', 'x\n  y\nz'],
  ])('is trimmed around blocks: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ['a\n  {{ n }}\n  b', 'a\n  3\n  b'],
    ['{{ n }}\n   {% if t %}x{% endif %}\n', '3\nx'],
    ['   {{- n -}}   x', '3x'],
  ])('is kept around expressions: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ['a \n {%- if t -%} \n b \n {%- endif -%} \n c', 'abc'],
    ['a {#- c -#} b', 'ab'],
    ['a\u00a0\u2028{{- n }}', 'a3'],
  ])('is stripped next to a minus sign: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([['a\r\nb\rc\r\n{% if t %}\r\nd{% endif %}\r\n', 'a\nb\nc\nd']])(
    'reads every kind of line break as a newline: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([
    ['a\n', 'a'],
    ['a\n\n', 'a\n'],
  ])('loses one newline at the end: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ['x{% raw %}{{ n }}{% if %}{% endraw %}y', 'x{{ n }}{% if %}y'],
    ['a\n  {% raw -%}  {{ n }}  {%- endraw %}\n z', 'a\n{{ n }} z'],
  ])('is kept in raw blocks: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ["{{ {'a':{'b':1}}}}", "{'a': {'b': 1}}"],
    ["{{ '}}' }}{{ '%}' }}", '}}%}'],
  ])('does not affect tags with brackets: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});
