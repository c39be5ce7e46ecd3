import { describe, expect, it } from '@jest/globals';
import { ChatPrompts } from '../../../../host/engine/runner/generation/chat-prompts.ts';
import type { ChatMessage, ChatOptions } from '../../../../host/models/generation.ts';

const system: ChatMessage = { role: 'system', content: 'Be brief.' };
const user: ChatMessage = { role: 'user', content: 'Why?' };
const answer: ChatMessage = { role: 'assistant', content: 'So.' };

const LINES = "{% for m in messages %}{{ m.role }}: {{ m['content'] }}\n{% endfor %}";
/** Accepts only alternating turns of user and assistant. */
const STRICT = `{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}
{%- for m in messages %}{% if (m.role == 'user') != (loop.index0 is even) %}{{ raise_exception('take turns') }}{% endif %}
{{- m.role }}: {{ m.content + '' }}
{% endfor %}`;
const PARTS = `{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}
{%- for part in m.content %}<{{ part.type }}>{{ part.text }}{% endfor %}{% endif %}{% endfor %}`;
const LOOP = '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}';

function prompts(template: string | undefined, hasChatMl = false): ChatPrompts {
  return new ChatPrompts({
    template,
    bosToken: '<s>',
    eosToken: '</s>',
    special: new Set(hasChatMl ? ['<|im_start|>'] : []),
  });
}

function write(template: string, messages: readonly ChatMessage[], options?: ChatOptions): string {
  return prompts(template).write(messages, options).text;
}

describe("a conversation in a model's chat template", () => {
  it("has the model's special tokens, no tools, and a generation prompt", () => {
    const template =
      '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{{ tools }}{{ documents }}{{ add_generation_prompt }}';
    expect(write(template, [user])).toBe('<s>Why?</s>NoneNoneTrue');
  });

  it('contains the tools, the variables and the time of the request', () => {
    const options: ChatOptions = {
      tools: [{ type: 'function', function: { name: 'f' } }],
      variables: { bos_token: '<b>', add_generation_prompt: false, enable_thinking: true, messages: 'mine' },
      now: Date.UTC(2024, 1, 3, 12),
    };
    const template =
      "{{ tools[0].function.name }}{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}{{ enable_thinking }}{{ messages|length }}{{ strftime_now('%d %b %Y') }}";
    expect(write(template, [user], options)).toBe('f<b></s>FalseTrue103 Feb 2024');
  });

  it('describes tools in a system message if the template does not support them', () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }];
    const text = write(LINES, [system, user], { tools });
    expect(text).toContain('system: Be brief.\n\nYou can call these functions.');
    expect(text).toContain('{"name":"f","parameters":{}}');
    expect(text).toContain('<tool_call>\n{"name": "<name>", "arguments": {"<argument>": <value>}}\n</tool_call>');
  });

  it('has calls and results as text if the template does not support them', () => {
    const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } };
    const messages: ChatMessage[] = [
      user,
      { role: 'assistant', content: 'Wait.', tool_calls: [call, call] },
      { role: 'tool', content: 'one', tool_call_id: 'a' },
      { role: 'tool', content: 'two', tool_call_id: 'b' },
    ];
    const written = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>';
    const results = '<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>';
    expect(write(STRICT, messages)).toBe(`user: Why?\nassistant: Wait.\n${written}\n${written}\nuser: ${results}\n`);
  });

  it('has arguments of calls as objects if the template rejects text', () => {
    const items =
      '{% for m in messages %}{% for k, v in m.tool_calls[0].function.arguments.items() %}{{ k }}={{ v }}{% endfor %}{% endfor %}';
    const call = { function: { name: 'f', arguments: '{"a": 1}' } };
    expect(write(items, [{ role: 'assistant', content: '', tool_calls: [call] }])).toBe('a=1');
  });

  it('adds a description and parameters to tools if the template requires them', () => {
    const reads =
      '{% for t in tools %}{{ t.function.description + "!" }}{{ t.function.parameters.properties.items() | list }}{% endfor %}{{ messages | length }}';
    expect(write(reads, [user], { tools: [{ type: 'function', function: { name: 'f' } }] })).toBe('![]1');
  });

  it('passes the fields of a message unchanged', () => {
    const call = { function: { name: 'f', arguments: '{"a": 1}' } };
    const message: ChatMessage = { role: 'assistant', content: '', tool_calls: [call], reasoning_content: 'hm' };
    const template = '{{ messages[0].tool_calls[0].function.arguments }}{{ messages[0].reasoning_content }}';
    expect(write(template, [message])).toBe('{"a": 1}hm');
  });

  it('has content parts if the template supports them, and otherwise their text', () => {
    const parts: ChatMessage = {
      role: 'user',
      content: [
        { type: 'text', text: 'Why' },
        { type: 'text', text: '?' },
      ],
    };
    expect(write(PARTS, [parts])).toBe('<text>Why<text>?');
    expect(write(LINES, [parts])).toBe('user: Why?\n');
    expect(write(STRICT, [parts])).toBe('user: Why?\n');
    expect(write('{{ messages[0].content.strip() }}', [parts])).toBe('Why?');
  });

  it('has empty content instead of null if the template would print it', () => {
    const silent: ChatMessage = { role: 'assistant', content: null };
    expect(write(LINES, [user, silent])).toBe('user: Why?\nassistant: \n');
    expect(write(STRICT, [user, silent])).toBe('user: Why?\nassistant: \n');
    expect(write(STRICT, [user, { role: 'assistant' }])).toBe('user: Why?\nassistant: \n');
    expect(write("{{ 'none' if messages[0].content is none else 'text' }}", [silent])).toBe('none');
  });

  it('rearranges the system message and repeated turns for the template', () => {
    expect(write(STRICT, [system, user, answer, user])).toBe('user: Be brief.\n\nWhy?\nassistant: So.\nuser: Why?\n');
    expect(write(STRICT, [user, user, answer, answer])).toBe('user: Why?\n\nWhy?\nassistant: So.\n\nSo.\n');
    expect(write(STRICT, [system, system, user, user])).toBe('user: Be brief.\n\nBe brief.\n\nWhy?\n\nWhy?\n');
    expect(write(STRICT, [system, { role: 'user', content: [{ type: 'text', text: 'Why?' }] }])).toBe(
      'user: Be brief.\n\nWhy?\n',
    );
    expect(write(LINES, [system, user, user])).toBe('system: Be brief.\nuser: Why?\nuser: Why?\n');
  });

  it('is rejected with the original error if no arrangement helps', () => {
    expect(() => write(STRICT, [answer, user])).toThrow(
      expect.objectContaining({
        code: 'CHAT_TEMPLATE_FAILED',
        details: { reason: 'take turns', refused: true },
      }),
    );
  });

  it('is rejected if rendering exceeds the limits', () => {
    // Longer than the conversations with which templates are probed.
    const template = `{% if messages|length > 3 %}${LOOP}{% endif %}fine`;
    expect(write(template, [user])).toBe('fine');
    expect(() => write(template, [user, answer, user, answer])).toThrow(
      expect.objectContaining({ code: 'CHAT_TEMPLATE_FAILED', message: expect.stringContaining('steps') }),
    );
  });

  it("is rendered with the template of its request, and the next one with the model's", () => {
    const model = prompts(LINES);
    expect(model.write([user], { template: '{{ messages|length }}' }).text).toBe('1');
    expect(model.write([user]).text).toBe('user: Why?\n');
    expect(() => model.write([user], { template: '{% if %}' })).toThrow(
      expect.objectContaining({ code: 'CHAT_TEMPLATE_FAILED' }),
    );
  });
});

describe("the format of a model's conversations", () => {
  it.each([
    ['its template', LINES, false, { used: 'template', error: null }],
    [
      'its template, which refuses in its own words',
      "{{ raise_exception('no') }}",
      false,
      { used: 'template', error: null },
    ],
    ['ChatML without a template', undefined, true, { used: 'chatml', error: null }],
    ['a transcript without a template', ' ', false, { used: 'transcript', error: null }],
    [
      'ChatML where the template is none',
      '{% if %}',
      true,
      { used: 'chatml', error: expect.stringContaining('line 1') },
    ],
    [
      'a transcript where the template fails at answers',
      "{% for m in messages %}{% if m.role == 'assistant' %}{% set m.content = '' %}{% endif %}{{ m.content }}{% endfor %}",
      false,
      { used: 'transcript', error: expect.stringContaining('attribute') },
    ],
    ['a transcript where the template fails', '{{ x.y }}', false, { used: 'transcript', error: "'x' is undefined" }],
    [
      'a transcript where the template never ends',
      LOOP,
      false,
      { used: 'transcript', error: expect.stringContaining('steps') },
    ],
  ])('is %s', (_what, template, hasChatMl, format) => {
    expect(prompts(template, hasChatMl).format).toMatchObject(format);
  });

  it('is used', () => {
    expect(prompts('{% if %}', true).write([user])).toMatchObject({
      text: '<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n',
      stop: ['<|im_end|>'],
    });
  });
});
