import { describe, expect, it } from '@jest/globals';
import { compileTemplate, TemplateLimitError } from '../../../host/chat-template/chat-template.ts';
import { render } from './render.ts';

function limitOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof TemplateLimitError) return error.limit;
    throw error;
  }
  return 'none';
}

const GROW = (name: string, start: string, step: string) =>
  `{% set ns = namespace(${name}=${start}) %}{% for i in range(100000) %}{% set ns.${name} = ${step} %}{% endfor %}`;

describe('the limits of rendering', () => {
  it.each([
    ['loops in loops', '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}'],
    ['calls that double', '{% macro m(x) %}{% if x %}{{ m(x-1) }}{{ m(x-1) }}{% endif %}{% endmacro %}{{ m(40) }}'],
    ['filters over long ranges', "{% for a in range(99) %}{{ range(99999)|map('string')|list|length }}{% endfor %}"],
    [
      'a comparison of lists that share their elements',
      `${GROW('l', '[1]', '[ns.l, ns.l]').replace('100000', '60')}{% set a = ns.l %}${GROW('l', '[1]', '[ns.l, ns.l]').replace('100000', '60')}{{ a == ns.l }}`,
    ],
  ])('end %s', (_what, template) => {
    expect(limitOf(() => render(template))).toBe('steps');
  });

  it.each([
    ['text that doubles', GROW('x', "'ab'", 'ns.x ~ ns.x')],
    ['a list that doubles', GROW('x', '[1]', 'ns.x + ns.x')],
    ['a list that grows', GROW('x', '[]', 'ns.x + [i]')],
    ['lists that are read over and over', GROW('x', '[]', "ns.x + ['a' * 10000 ~ i]")],
    [
      'long texts that are searched',
      "{% set x = 'a' * 1000000 %}{% for i in range(99999) %}{{ x.find('b') }}{% endfor %}",
    ],
    ['repetition', "{{ 'a' * 1000000000 }}"],
    ['repetition of a list', '{{ [1] * 1000000000 }}'],
    ['replacement', "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}"],
    ['padding', "{{ 'a'.center(1000000000) }}"],
    ['padding by a percent format', "{{ '%1000000000d' % 1 }}"],
    ['padding by a format', "{{ '{:>1000000000}'.format(1) }}"],
    ['padding of a time', "{{ strftime_now('%999d' * 100000) }}"],
    ['indentation', "{{ ('\\n' * 100000)|indent(100000, true, true) }}"],
    ['tabs', "{{ ('\\t' * 100000).expandtabs(100000) }}"],
    ['joining', "{{ ('a' * 100000).join('b' * 100000) }}"],
    ['JSON that is indented', '{{ ([1] * 10000)|tojson(indent=100000) }}'],
    [
      'JSON of a list that holds itself twice',
      `${GROW('l', '[1]', '[ns.l, ns.l]').replace('100000', '60')}{{ ns.l|tojson }}`,
    ],
    ['batches that are filled up', "{{ [1]|batch(1000000000, 'x')|list }}"],
    ['slices without elements', '{{ [1]|slice(1000000000)|list }}'],
    ['powers', '{% for i in range(99999) %}{% set x = 7 ** 5000 %}{% endfor %}'],
    ['output', "{% for i in range(99999) %}{{ 'a' * 1000 }}{% endfor %}"],
  ])('end %s', (_what, template) => {
    expect(limitOf(() => render(template))).toBe('characters');
  });

  it.each([
    ['a macro that calls itself', '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}'],
    ['a caller that calls back', '{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}'],
    ['a loop that calls itself', '{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}'],
    ['a namespace that holds itself', '{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}'],
    ['a list nested too deeply', `${GROW('l', '[]', '[ns.l]')}{{ ns.l }}`],
    ['a sum of thousands', `{{ 1${' + 1'.repeat(10_000)} }}`],
    ['thousands of attributes', `{{ d${'.a'.repeat(10_000)} }}`],
    ['thousands of filters', `{{ s${'|string'.repeat(10_000)} }}`],
    [
      'generators around each other',
      `${GROW('l', '[1]', "ns.l|map('string')").replace('100000', '5000')}{{ ns.l|list }}`,
    ],
  ])('end %s before the stack overflows', (_what, template) => {
    expect(limitOf(() => render(template))).toBe('depth');
  });

  it('end integers that grow too large', () => {
    expect(limitOf(() => render('{{ 10 ** (10 ** 10) }}'))).toBe('integerBits');
    expect(limitOf(() => render(GROW('n', '3', 'ns.n * ns.n')))).toBe('integerBits');
  });

  it.each(['(', '[', '{1:', '-', 'not ', '1 if 1 else '])('refuse %s nested thousands of times', (open) => {
    expect(limitOf(() => compileTemplate(`{{ ${open.repeat(20_000)}`))).toBe('nesting');
  });

  it('reject blocks that are nested thousands of times', () => {
    expect(limitOf(() => compileTemplate('{% if 1 %}'.repeat(5_000)))).toBe('nesting');
  });

  it('reject a source of megabytes', () => {
    expect(limitOf(() => compileTemplate('x'.repeat(1_000_000)))).toBe('sourceCharacters');
  });

  it('can be lowered', () => {
    const template = compileTemplate('{% for i in range(100) %}{{ i }}{% endfor %}');
    expect(limitOf(() => template.render({}))).toBe('none');
    expect(limitOf(() => template.render({}, { limits: { steps: 100 } }))).toBe('steps');
    expect(limitOf(() => template.render({}, { limits: { characters: 100 } }))).toBe('characters');
    expect(limitOf(() => template.render({}, { limits: { depth: 1 } }))).toBe('depth');
  });

  it.each([
    ['texts that are joined without being copied', "{% for i in range(100) %}{% set x = '' ~ '' %}{% endfor %}", 3_000],
    [
      'the rest of an iterator that loop.length collects',
      '{% for i in range(1000)|map(attribute=0) %}{% if loop.first and loop.length %}{% endif %}{% endfor %}',
      4_000,
    ],
  ])('count %s', (_what, source, characters) => {
    expect(limitOf(() => compileTemplate(source).render({}, { limits: { characters } }))).toBe('characters');
  });

  it('scale with the conversation', () => {
    const template = compileTemplate('{% for m in messages %}{{ m.role }}: {{ m.content|trim }}\n{% endfor %}');
    const messages = Array.from({ length: 20_000 }, () => ({ role: 'user', content: 'word '.repeat(200) }));
    const { text, steps } = template.render({ messages });
    expect(text.length).toBe(20_000 * ('user: '.length + 1000));
    expect(steps).toBeLessThan(20_000 * 12);
    expect(limitOf(() => template.render({ messages }, { limits: { steps: 100 } }))).toBe('none');
  });
});
