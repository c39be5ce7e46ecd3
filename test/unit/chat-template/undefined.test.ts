import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('an undefined value', () => {
  it.each([
    [
      "[{{ undef }}] {{ undef|length }} {{ undef|list }} {{ undef|join(',') }} {{ undef|upper }} {{ 'a' ~ undef }} {{ not undef }} {{ 'a' in undef }} {{ undef == undef }} {{ undef != 1 }}{% for x in undef %}{% else %} none{% endfor %}",
      '[] 0 []   a True False True True none',
    ],
  ])('is empty, false and printed as nothing: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ d.q is defined }} {{ d['q'] is defined }} {{ s.q is defined }} {{ l[9] is defined }} {{ no.q is defined }} {{ d.q|default('x') }} {{ no|default('y', true) }}",
      'False False False False False x y',
    ],
  ])('is the result of a missing attribute: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ undef is none }} {{ none is none }} {{ d.C is none }} {{ d.C }} {{ d.get('q') }} {{ d.get('q', 1) }}",
      'False True True None None 1',
    ],
  ])('is not none: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});
