import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('a variable scope', () => {
  it.each([['{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}', '4231']])(
    'keeps what a loop sets inside it: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([['{% if t %}{% set x = 3 %}{% endif %}{{ x }}', '3']])(
    'keeps what a condition sets: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([
    [
      '{% set ns = namespace(n=0) %}{% for i in l %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns.q is defined }}',
      '6False',
    ],
  ])('keeps values in a namespace after a loop: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ['{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set ns = namespace() %}{% set ns.x, c = 3, 4 %}{{ ns.x }}{{ c }}', '1234'],
  ])('assigns several at once: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{% set x %}a{% set y = 1 %}{{ n }}{% endset %}[{{ x }}]{{ y }}{% set z | upper | replace('A','b') %}aca{% endset %}{{ z }}",
      '[a3]bCb',
    ],
  ])('captures a block: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{% filter upper %}a{{ s }}{% endfilter %}{% filter replace('a','<')|indent(1) %}ba\nba{% endfilter %}",
      'AHELLO, WORLDb<\n b<',
    ],
  ])('filters a block: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([['{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}', '211']])(
    'binds with with: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([['{% generation %}{% set x = 1 %}{{ n }}{% endgeneration %}{{ x is defined }}', '3False']])(
    'gives a generation block a scope of its own: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );

  it.each([['{% block a %}<{{ n }}>{% endblock %}{{ self.a() }}', '<3><3>']])(
    'renders a block in its place and by name: %j',
    (template, expected) => {
      expect(render(template)).toBe(expected);
    },
  );
});
