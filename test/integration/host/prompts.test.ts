import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/prompts-gguf';
const CHAT = `${REPO}/chat.gguf`;
const PLAIN = `${REPO}/plain.gguf`;
const BROKEN = `${REPO}/broken.gguf`;
const SETTINGS = { n_gpu_layers: 0, n_threads: 1, n_ctx: 128 };

/** Renders the messages and the tools, and rejects a system message. */
const TEMPLATE = `{{ bos_token }}{% for m in messages %}
{%- if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}
{{- m.role }} {{ m.content }}{% for call in m.tool_calls %} calls {{ call.function.name }}{% endfor %};
{%- endfor %}{% if tools %} tools {{ tools|tojson }}{% endif %}{% if mood is defined %} {{ mood }}{% endif %}`;

const USER = { role: 'user', content: 'once' };

describe('prompts over native messaging', () => {
  let fixture: HostFixture;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const template = (text: string) => ({ metadata: { 'tokenizer.chat_template': string(text) } });
    const files = {
      'chat.gguf': markovModel(template(TEMPLATE)),
      'plain.gguf': markovModel(),
      'broken.gguf': markovModel(template('{% if %}')),
    };
    const hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  async function load(modelPath: string, settings: object = {}): Promise<Message> {
    return host.request('LOAD_MODEL', { modelPath, settings: { ...SETTINGS, ...settings } });
  }

  async function render(fields: object): Promise<string> {
    return payloadOf('RENDER_PROMPT', await host.request('RENDER_PROMPT', fields)).prompt;
  }

  it('are the text that a generation evaluates', async () => {
    const { contextSize } = payloadOf('LOAD_MODEL', await load(CHAT));
    const messages = [USER, { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f' } }] }];
    const rendered = payloadOf('RENDER_PROMPT', await host.request('RENDER_PROMPT', { messages }));
    expect(rendered).toEqual({
      modelId: CHAT,
      prompt: '<s>user once;assistant  calls f;',
      tokens: expect.any(Number),
      stop: [],
    });
    const generated = payloadOf('GENERATE', await host.request('GENERATE', { messages }));
    expect(generated.usage.promptTokens).toBe(rendered.tokens);
    const counted = payloadOf('COUNT_TOKENS', await host.request('COUNT_TOKENS', { messages }));
    expect(counted).toEqual({ modelId: CHAT, tokens: rendered.tokens, contextSize });
  });

  it('contain the tools and the variables of the request', async () => {
    await load(CHAT);
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(await render({ messages: [USER], tools })).toBe(
      '<s>user once; tools [{"type": "function", "function": {"name": "f"}}]',
    );
    const template_kwargs = { mood: 'well', bos_token: '' };
    expect(await render({ messages: [USER], settings: { template_kwargs } })).toBe('user once; well');
    const generated = await host.request('GENERATE', { messages: [USER], settings: { template_kwargs } });
    const rendered = await host.request('RENDER_PROMPT', { messages: [USER], settings: { template_kwargs } });
    expect(payloadOf('GENERATE', generated).usage.promptTokens).toBe(payloadOf('RENDER_PROMPT', rendered).tokens);
  });

  it('are rendered with the template of the request, or of the load', async () => {
    const chat_template = "{{ messages[0].content }} {{ strftime_now('%d %b %Y %H:%M') }}";
    const settings = { chat_template, now: '2024-02-03T04:05:06' };
    await load(CHAT);
    expect(await render({ messages: [USER], settings })).toBe('<s>once 03 Feb 2024 04:05');
    const loaded = payloadOf('LOAD_MODEL', await load(PLAIN, { chat_template: '{{ messages|length }}' }));
    expect(loaded.chatTemplate).toEqual({ used: 'template' });
    expect(await render({ modelId: PLAIN, messages: [USER, USER] })).toBe('<s>2');
  });

  it('have the special tokens of the template, but not those in messages', async () => {
    await load(CHAT);
    const tokens = async (content: string) =>
      payloadOf('COUNT_TOKENS', await host.request('COUNT_TOKENS', { messages: [{ role: 'user', content }] })).tokens;
    // `<`, `/`, `s`, `>` instead of one token.
    expect((await tokens('</s>')) - (await tokens(''))).toBeGreaterThanOrEqual(4);
    expect(await render({ messages: [{ role: 'user', content: '</s>' }] })).toBe('<s>user </s>;');
  });

  it('of a conversation that the template rejects are adapted', async () => {
    await load(CHAT);
    const system = { role: 'system', content: 'Be brief.' };
    const parts = {
      role: 'user',
      content: [
        { type: 'text', text: 'on' },
        { type: 'text', text: 'ce' },
      ],
    };
    expect(await render({ messages: [system, parts] })).toBe('<s>user Be brief.\n\nonce;');
  });

  it('of a model without a working template are transcripts, as the load reports', async () => {
    const broken = await load(BROKEN);
    expect(payloadOf('LOAD_MODEL', broken).chatTemplate).toEqual({
      used: 'transcript',
      error: expect.stringContaining('line 1'),
    });
    expect(broken.message).toContain('chat template cannot be used');
    const rendered = payloadOf('RENDER_PROMPT', await host.request('RENDER_PROMPT', { messages: [USER] }));
    expect(rendered).toMatchObject({ prompt: '<s>user: once\nassistant:', stop: ['\nuser:'] });
    expect(payloadOf('LOAD_MODEL', await load(PLAIN)).chatTemplate).toEqual({ used: 'transcript' });
  });

  it('can be longer than the context, and tokens of texts can be counted', async () => {
    await load(PLAIN);
    const prompt = 'once upon '.repeat(200);
    const { tokens } = payloadOf('COUNT_TOKENS', await host.request('COUNT_TOKENS', { prompt }));
    expect(tokens).toBeGreaterThan(256);
    expect(await host.request('GENERATE', { prompt })).toMatchObject({ code: 'CONTEXT_OVERFLOW' });
    const count = async (texts: string[]) =>
      payloadOf('COUNT_TOKENS', await host.request('COUNT_TOKENS', { texts })).tokens;
    expect(await count(['once', 'once'])).toBe(2 * (await count(['once'])));
    expect(await host.request('COUNT_TOKENS', { texts: ['x'.repeat(1_000_000)] })).toMatchObject({
      code: 'CONTEXT_OVERFLOW',
    });
  });

  it.each([
    ['no input', {}, 'messages'],
    ['two inputs', { messages: [USER], prompt: 'once' }, 'prompt'],
    ['a prompt and a template', { prompt: 'once', settings: { chat_template: 'x' } }, 'settings.chat_template'],
    ['no date', { messages: [USER], settings: { now: 'today' } }, 'settings.now'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages.0.content'],
    ['content of another type', { messages: [{ role: 'user', content: 1 }] }, 'messages.0.content'],
  ])('are rejected for %s', async (_what, fields, field) => {
    await load(PLAIN);
    expect(await host.request('RENDER_PROMPT', fields)).toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
  });

  it('are rejected for deeply nested messages, and for an invalid template', async () => {
    await load(CHAT);
    let nested: object = {};
    for (let depth = 0; depth < 500; depth++) nested = { nested };
    expect(await host.request('RENDER_PROMPT', { messages: [{ ...USER, nested }] })).toMatchObject({
      code: 'INVALID_REQUEST',
    });
    const settings = { chat_template: '{% if %}' };
    expect(await host.request('RENDER_PROMPT', { messages: [USER], settings })).toMatchObject({
      code: 'CHAT_TEMPLATE_FAILED',
      details: { refused: false },
    });
  });

  it('cannot contain an image for a local model', async () => {
    await load(CHAT);
    const content = [{ type: 'image_url', image_url: { url: 'data:,' } }];
    expect(await host.request('GENERATE', { messages: [{ role: 'user', content }] })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'messages.0.content.0' },
    });
  });
});
