import { describe, expect, it } from '@jest/globals';
import { ChatPrompts } from '../../../host/engine/runner/generation/chat-prompts.ts';
import type { ChatMessage, ChatOptions } from '../../../host/models/generation.ts';

const user: ChatMessage = { role: 'user', content: 'Why?' };

function write(template: string, options: ChatOptions = {}, messages: readonly ChatMessage[] = [user]) {
  const { text, ignored } = new ChatPrompts({
    template,
    bosToken: '',
    eosToken: '',
    special: new Set(),
  }).write(messages, options);
  return { text, ignored };
}

const LEVELS = ['auto', 'off', 'low', 'medium', 'high'] as const;
const texts = (template: string) => LEVELS.map((reasoning) => write(template, { reasoning }).text);

describe('a reasoning level', () => {
  it('is a switch if the template has one', () => {
    const template =
      'A:{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}';
    expect(texts(template)).toEqual(['A:', 'A:<think>\n\n</think>\n\n', 'A:', 'A:', 'A:']);
    expect(texts('{% if thinking %}<think>{% else %}</think>{% endif %}')).toEqual([
      '</think>',
      '</think>',
      '<think>',
      '<think>',
      '<think>',
    ]);
    const mode = "{{ thinking_mode }}{{ '</mm:think>' if thinking_mode == 'disabled' else '' }}";
    expect(texts(mode)).toEqual(['', 'disabled</mm:think>', 'enabled', 'enabled', 'enabled']);
  });

  it('is an effort if the template has one, with a supported value', () => {
    const template =
      "{% if reasoning_effort is defined and reasoning_effort not in ['high', 'low', 'no_think'] %}{{ raise_exception('unknown') }}{% endif %}{{ reasoning_effort }}:{{ '<think></think>' if reasoning_effort == 'no_think' else '<think>' }}";
    expect(texts(template)).toEqual([
      ':<think>',
      'no_think:<think></think>',
      'low:<think>',
      'high:<think>',
      'high:<think>',
    ]);
  });

  it('is a budget if the template has one, preferably that of the request', () => {
    const template = "{{ thinking_budget }}{{ '<think></think>' if thinking_budget == 0 else '' }}";
    expect(texts(template)).toEqual(['', '0<think></think>', '512', '4096', '16384']);
    expect(write(template, { maxReasoningTokens: 77 }).text).toBe('77');
  });

  it('off is an empty block if the template has no switch', () => {
    expect(write('A:<think>\n', { reasoning: 'off' }).text).toBe('A:<think>\n\n</think>\n\n');
    expect(write("A:{{ '<think>' if false }}", { reasoning: 'off' }).text).toBe('A:<think>\n\n</think>\n\n');
    const channels = "<|start|>assistant{{ '<|channel|><|message|>' if false }}{{ reasoning_effort }}";
    expect(write(channels, { reasoning: 'off' }).text).toMatch(/<\|channel\|>final<\|message\|>$/);
  });

  it('is overridden by variables of the request', () => {
    const template = "{{ enable_thinking }}{{ '<think>' if false }}";
    expect(write(template, { reasoning: 'high', variables: { enable_thinking: 'mine' } }).text).toBe('mine');
  });

  it.each([
    ['plain', []],
    ['<think>', ['off']],
    ['{{ "<think></think>" if enable_thinking is false else "<think>" }}', ['off', 'low']],
    ["{{ thinking_budget }}{{ '<think></think>' if thinking_budget == 0 else '' }}", ['off', 'low', 'medium', 'high']],
    ["{{ '<think></think>' if reasoning_effort == 'none' else reasoning_effort }}", ['off', 'low', 'medium', 'high']],
  ])('is offered if it has a distinct effect: %s', (template, levels) => {
    const prompts = new ChatPrompts({ template, bosToken: '', eosToken: '', special: new Set() });
    expect(prompts.format.reasoning).toEqual(levels);
  });

  it('is reported if it has no effect', () => {
    expect(write('plain', { reasoning: 'high', maxReasoningTokens: 5 }).ignored).toEqual([
      'settings.reasoning',
      'settings.max_reasoning_tokens',
    ]);
    expect(write('<think>', { reasoning: 'high', maxReasoningTokens: 5 }).ignored).toEqual(['settings.reasoning']);
    expect(write('plain', { reasoning: 'off' }).ignored).toEqual([]);
    expect(write('{{ enable_thinking }}<think>', { reasoning: 'high' }).ignored).toEqual([]);
  });
});

describe('reasoning of an earlier answer', () => {
  const messages: ChatMessage[] = [user, { role: 'assistant', content: 'So.', reasoning_content: 'Hm.' }, user];
  const loop = (body: string) => `{% for message in messages %}${body};{% endfor %}`;

  it('is passed to the template under the name that it reads', () => {
    for (const name of ['reasoning_content', 'reasoning', 'thinking', 'thought']) {
      expect(write(loop(`{{ message.${name} }}`), {}, messages).text).toBe(';Hm.;;');
      expect(write(loop(`{{ message['${name}'] }}`), {}, messages).text).toBe(';Hm.;;');
    }
  });

  it('is passed to a template that reads it in parts', () => {
    const parts =
      "{% if message.content is string %}{{ message.content }}{% else %}{% for block in message.content %}{% if block['type'] == 'thinking' %}[{{ block['thinking'] }}]{% else %}{{ block['text'] }}{% endif %}{% endfor %}{% endif %}";
    expect(write(loop(parts), {}, messages).text).toBe('Why?;[Hm.]So.;Why?;');
  });

  it('is omitted if the template rejects it or does not read it', () => {
    const refusing = loop(
      "{% if message.thinking and message.content %}{{ raise_exception('both') }}{% endif %}{{ message.content }}",
    );
    expect(write(refusing, {}, messages).text).toBe('Why?;So.;Why?;');
    expect(write(loop('{{ message.content }}'), {}, messages).text).toBe('Why?;So.;Why?;');
  });
});

describe('a continued turn', () => {
  const OPENED = "A:<think>{{ '\\n' }}";
  const continued = (template: string, last: Partial<ChatMessage>) =>
    write(template, { continues: true }, [user, { role: 'assistant', ...last }]).text;

  it('continues the answer, after the reasoning', () => {
    expect(continued('A:', { content: 'So' })).toBe('A:So');
    expect(continued(OPENED, { content: 'So' })).toBe('A:<think>\n\n</think>\n\nSo');
    expect(continued(OPENED, { content: 'So', reasoning_content: 'Hm' })).toBe('A:<think>\nHm\n</think>\n\nSo');
    expect(continued("A:{{ '<think>' if false }}", { content: 'So', reasoning_content: 'Hm' })).toBe(
      'A:<think>\nHm\n</think>\n\nSo',
    );
  });

  it('continues the reasoning if there is no answer', () => {
    expect(continued(OPENED, { content: '', reasoning_content: 'Hm' })).toBe('A:<think>\nHm');
    const channels = "<|start|>assistant{{ '<|channel|><|message|>' if false }}";
    expect(continued(channels, { content: '', reasoning_content: 'Hm' })).toBe(
      '<|start|>assistant<|channel|>analysis<|message|>Hm',
    );
  });
});
