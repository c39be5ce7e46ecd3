import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('a loop', () => {
  it.each([
    [
      '{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }};{% endfor %}',
      '1032TrueFalse31;2121FalseFalse31;3210FalseTrue31;',
    ],
  ])('has a loop variable: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([['{% for i in l %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }};{% endfor %}', '<3>1;3<1>2;1<2>;']])(
    'knows the neighbours: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([
    ["{% for i in [1,1,2] %}{{ loop.cycle('a','b') }}{{ loop.changed(i) }};{% endfor %}", 'aTrue;bFalse;aTrue;'],
  ])('cycles values and detects changes: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ['{% for i in l if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }};{% endfor %}', '1/2:3;2/2:2;'],
    ['{% for i in l if i > 9 %}{{ i }}{% else %}none{% endfor %}', 'none'],
  ])('filters its elements: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      '{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}',
      '023',
    ],
    ['{% for i in l %}{% continue %}{% else %}none{% endfor %}', 'none'],
  ])('supports break and continue: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      '{% for i in [1,[2,[3]]] recursive %}{% if i is iterable %}<{{ loop(i) }}>{% else %}{{ i }}@{{ loop.depth }}{% endif %}{% endfor %}',
      '1@1<2@2<3@3>>',
    ],
  ])('iterates recursively: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      '{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for a, (b, c) in [(1,(2,3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}',
      'b=1;a=x;C=None;123',
    ],
  ])('unpacks elements: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{% for c in 'añ🙂' %}[{{ c }}]{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for i in 1, 2 %}{{ i }}{% endfor %}",
      '[a][ñ][🙂]baC12',
    ],
  ])('iterates over all iterables: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      '{% for i in l %}{% set outer = loop %}{% for j in l %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}',
      '11 12 13 21 22 23 31 32 33 ',
    ],
  ])('has its own loop variable in another loop: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([["{% set m = l|map('string') %}{{ m|join }}|{{ m|join }}", '312|']])(
    'walks a generator once: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([['{% for x in [none, 1] %}{{ x }}{{ loop.previtem }}{% endfor %}', 'None1None']])(
    'walks lists that hold none: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );
});
