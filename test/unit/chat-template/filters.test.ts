import { describe, expect, it } from '@jest/globals';
import { render } from './render.ts';

// The expected texts are what Jinja2 3.1.6 renders.
describe('a filter', () => {
  it.each([
    [
      "{{ msgs|selectattr('role','equalto','user')|map(attribute='content')|list }} {{ msgs|rejectattr('x')|list|length }} {{ l|select('gt',1)|list }} {{ mix|reject('string')|list }} {{ msgs|map(attribute='x.y',default='-')|join }}",
      "['hi'] 2 [3, 2] [1, None, True, 1.5, [1], {'k': 'v'}] -5-",
    ],
  ])('selects elements: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ l|sort }} {{ ls|sort }} {{ ls|sort(case_sensitive=true, reverse=true) }} {{ msgs|sort(attribute='n')|map(attribute='n')|list }} {{ d|dictsort }} {{ {'a':2,'b':1}|dictsort(by='value') }} {{ ls|unique|list }} {{ l|reverse|list }}",
      "[1, 2, 3] ['A', 'a', 'b', 'c'] ['c', 'b', 'a', 'A'] [1, 2, 3] [('a', 'x'), ('b', 1), ('C', None)] [('b', 1), ('a', 2)] ['b', 'A', 'c'] [2, 1, 3]",
    ],
  ])('sorts: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{% for g in msgs|groupby('role') %}{{ g.grouper }}:{{ g.list|length }};{% endfor %}{{ [1,2,3,4,5]|batch(2,'-')|list }} {{ [1,2,3,4,5]|slice(2)|list }}",
      "assistant:1;user:2;[[1, 2], [3, 4], [5, '-']] [[1, 2, 3], [4, 5]]",
    ],
  ])('groups: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ l|sum }} {{ l|max }} {{ l|min }} {{ msgs|sum(attribute='n') }} {{ l|first }} {{ l|last }} {{ [none]|first }} {{ l|length }}",
      '6 3 1 6 3 2 None 3',
    ],
  ])('aggregates: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ msgs[1]|tojson }} {{ {'b':1,'a':[1,2.0,none,true,'é<\"']}|tojson }} {{ {2:1}|tojson }}",
      '{"role": "assistant", "content": "yo", "n": 1, "x": {"y": 5}} {"b": 1, "a": [1, 2.0, null, true, "é<\\""]} {"2": 1}',
    ],
    ["{{ {'b':[1,{}],'a':[]}|tojson(indent=2) }}", '{\n  "b": [\n    1,\n    {}\n  ],\n  "a": []\n}'],
    [
      "{{ {'b':1,'a':2}|tojson(sort_keys=true,separators=(',',':')) }} {{ 'é🙂'|tojson(ensure_ascii=true) }} {{ '\\u2028</x>'|tojson }}",
      '{"a":2,"b":1} "\\u00e9\\ud83d\\ude42" "\u2028</x>"',
    ],
    ["{{ '\x7f'|tojson(ensure_ascii=true) }} {{ '\x7f'|tojson }}", '"\\u007f" "\x7f"'],
  ])('writes JSON: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    ["{{ 'a\\nb\\n\\nc'|indent(2) }}|{{ 'a\\nb'|indent('> ', true) }}", 'a\n  b\n\n  c|> a\n> b'],
    ["{{ long|truncate(20) }} {{ long|truncate(9, true, '..') }}", 'the quick brown... the qui..'],
    [
      '{{ long|wordwrap(30) }}',
      'the quick brown fox jumps over\nthe lazy dog again and again\nuntil the well-known story\nends',
    ],
  ])('indents, truncates and wraps: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ '12'|int + 1 }} {{ ' 1_0 '|int }} {{ 'x'|int(7) }} {{ '1.9'|int }} {{ '0x1f'|int(base=16) }} {{ '3.5'|float }} {{ 2.5|round }} {{ 1.55|round(1) }} {{ 7|round(-1) }} {{ 1.2|round(0,'ceil') }} {{ -3|abs }} {{ 1500|filesizeformat }}",
      '13 10 7 1 31 3.5 2.0 1.6 10 2.0 3 1.5 kB',
    ],
  ])('converts to numbers: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ 1|string ~ none|string }} {{ 'a b'|title }} {{ 'x'|center(5) }}| {{ '  x '|trim }} {{ 'xax'|trim('x') }} {{ 'a b c'|wordcount }} {{ '%s-%d'|format('x', 3) }} {{ 'ab'|list }} {{ [1,2]|join('-') }} {{ 'aXb'|replace('X','-') }}",
      "1None A B   x  | x a 3 x-3 ['a', 'b'] 1-2 a-b",
    ],
  ])('converts to text: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ '<a>'|e }} {{ '<a>'|safe }} {{ ('<'|safe) + '>' }} {{ '<b>'|striptags }} {{ 'a/b c?é'|urlencode }} {{ {'a':1,'b':none}|xmlattr }}",
      '&lt;a&gt; <a> <&gt;  a/b%20c%3F%C3%A9  a="1"',
    ],
  ])('escapes text that is joined with safe text: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });

  it.each([
    [
      "{{ undef|default('x') }} {{ ''|default('x') }} {{ ''|d('x', true) }} {{ d|items|list }} {{ d|attr('q') is defined }}",
      "x  x [('b', 1), ('a', 'x'), ('C', None)] False",
    ],
  ])('provides defaults for undefined values: %j', (template, expected) => {
    expect(render(template)).toBe(expected);
  });
});
