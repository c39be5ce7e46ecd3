import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('a test', () => {
  it.each([
    [
      "{% for x in [1, 1.0, true, none, 'a', [1], (1,), {'a':1}, range(1)] %}{{ x is integer }}{{ x is float }}{{ x is number }}{{ x is boolean }}{{ x is none }}{{ x is string }}{{ x is sequence }}{{ x is iterable }}{{ x is mapping }}\n{% endfor %}",
      'TrueFalseTrueFalseFalseFalseFalseFalseFalse\nFalseTrueTrueFalseFalseFalseFalseFalseFalse\nFalseFalseTrueTrueFalseFalseFalseFalseFalse\nFalseFalseFalseFalseTrueFalseFalseFalseFalse\nFalseFalseFalseFalseFalseTrueTrueTrueFalse\nFalseFalseFalseFalseFalseFalseTrueTrueFalse\nFalseFalseFalseFalseFalseFalseTrueTrueFalse\nFalseFalseFalseFalseFalseFalseTrueTrueTrue\nFalseFalseFalseFalseFalseFalseTrueTrueFalse\n',
    ],
  ])('checks types: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 2 is even }} {{ 2 is odd }} {{ 6 is divisibleby 3 }} {{ 1 is eq 1.0 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 2 is ge(2) }} {{ 1 is in [1] }} {{ 'a' is lower }} {{ 'A' is upper }} {{ none is sameas none }} {{ 1 is not defined }}",
      'True False True True True True True True True True True False',
    ],
  ])('compares: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'even' is test }} {{ range is callable }}",
      'True False True True',
    ],
  ])('checks for filters and tests: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});
