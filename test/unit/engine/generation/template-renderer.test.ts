import { describe, expect, it } from '@jest/globals';
import { TemplateRenderer } from '../../../../host/engine/runner/generation/template-renderer.ts';

const never = new AbortController().signal;
const values = {
  messages: [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: 'good day' },
  ],
  add_generation_prompt: true,
  bos_token: '<s>',
  eos_token: '</s>',
} as const;

describe('a chat template', () => {
  const renderer = new TemplateRenderer();

  it('is rendered with the messages and the tokens of the model', async () => {
    const template = `{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m['content'] }}{{ eos_token }}{% endfor %}
{%- if add_generation_prompt %}[assistant]{% endif %}`;
    expect(await renderer.render(template, values, never)).toBe(
      '<s>[user] hello</s>[assistant] good day</s>[assistant]',
    );
  });

  it('knows the date in the directives templates use', async () => {
    expect(await renderer.render("{{ strftime_now('%Y') }}", values, never)).toBe(String(new Date().getFullYear()));
  });

  it.each([
    ['that refuses', "{{ raise_exception('no such role') }}", /no such role/],
    ['that is none', '{% for %}', /template/],
    ['that calls what is not there', '{{ messages.constructor.constructor("return process")() }}', /template/],
    ['nested beyond the stack', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`, /template/],
    ['of a million characters', 'x'.repeat(1_000_000), /1000000 characters/],
  ])('%s is a typed error, and the next one works', async (_what, template, words) => {
    await expect(renderer.render(template, values, never)).rejects.toMatchObject({
      code: 'CHAT_TEMPLATE_FAILED',
      message: expect.stringMatching(words),
    });
    expect(await renderer.render('fine', values, never)).toBe('fine');
  });

  it('that loops without end is given up, and the next one works', async () => {
    const loop =
      '{% set l = range(2000) %}{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}';
    await expect(renderer.render(loop, values, never)).rejects.toThrow(/took longer than 3 s/);
    expect(await renderer.render('fine', values, never)).toBe('fine');
  });

  it.each([
    [
      'doubling lists',
      "{% set ns = namespace(l=['x']) %}{% for a in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
    ],
    [
      'doubling text',
      "{% set ns = namespace(l='x') %}{% for a in range(60) %}{% set ns.l = ns.l ~ ns.l %}{% endfor %}",
    ],
    [
      'lists of ranges',
      '{% set ns = namespace(l=[]) %}{% for a in range(100000) %}{% set ns.l = ns.l + [range(99999)] %}{% endfor %}',
    ],
    ['a range beyond measure', '{{ range(1000000000) }}'],
    ['a range without end', '{{ range(0, 5, 0) }}'],
    [
      'a filter that multiplies',
      "{% set ns = namespace(l='xxxxxxxx') %}{% for a in range(20) %}{% set ns.l = ns.l ~ ns.l %}{% endfor %}{{ ns.l | replace('x', ns.l) | length }}",
    ],
  ])('that fills the memory by %s is a typed error, and the next one works', async (_what, template) => {
    await expect(renderer.render(template, values, never)).rejects.toMatchObject({ code: 'CHAT_TEMPLATE_FAILED' });
    expect(await renderer.render('fine', values, never)).toBe('fine');
  });

  it('is given up when nobody wants it any more', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped');
    const rendering = renderer.render(
      '{% set l = range(2000) %}{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}',
      values,
      controller.signal,
    );
    controller.abort(reason);
    await expect(rendering).rejects.toBe(reason);
  });
});
