import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('a macro', () => {
  it.each([
    [
      '{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=1, a=0) }}{{ m() }}{{ m(none) }}',
      '121;123;010;2;None2None;',
    ],
  ])('accepts positional, keyword and default arguments: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}{{ m(*[1, 2], **{'k': 3}) }}",
      "1(2, 3){'k': 4}1(2,){'k': 3}",
    ],
  ])('accepts variable arguments if it uses them: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([['{% set x = 1 %}{% macro m() %}{{ x }}{% set x = 9 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}', '191']])(
    'has a scope of its own: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([
    ['{% macro m() %}{{ i is defined }}{% endmacro %}{% for i in l %}{{ m() }}{% endfor %}', 'FalseFalseFalse'],
  ])('sees the variables of its definition, not those of the caller: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([['{% macro m(x) %}{{ x }}{% if x > 0 %}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}', '3210']])(
    'calls itself: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([
    ['{% macro m() %}[{{ caller(1, b=2) }}]{% endmacro %}{% call(a, b) m() %}{{ a }}-{{ b }}{% endcall %}', '[1-2]'],
  ])('receives a body from a call block: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([["{% macro m(x) %}{{ x }}{% endmacro %}{{ m('a')|upper ~ m('b') + 'c' }}", 'Abc']])(
    'returns text: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([['{% macro m(a) %}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m is callable }}', "m('a',)True"]])(
    'says what it is: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );
});
