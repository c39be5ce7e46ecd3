import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';

/** Puts every message on a separate line, and `[A]` before the answer. Rejects two of one role in a row, like Gemma's. */
const ALTERNATING = `{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{
  raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{{
  m.role }}: {{ m.content }}\n{% endfor %}[A]`;
const LAST = '{{ bos_token }}{{ messages[-1].content }}';
const GREEDY = { do_sample: false };
const WITHOUT_END = { do_sample: false, max_new_tokens: 1_000_000 };
const MODELS = {
  story: markovModel({ metadata: { 'tokenizer.chat_template': string(LAST) } }),
  strict: markovModel({
    chain: { '[A]': { a: 1 }, a: { small: 1 }, small: { model: 1 }, model: { '': 1 } },
    special: { '[A]': 'control' },
    metadata: { 'tokenizer.chat_template': string(ALTERNATING) },
  }),
  long: markovModel({
    chain: ENDLESS,
    contextLength: 32_768,
    metadata: { 'tokenizer.chat_template': string(LAST) },
  }),
};

describe('a conversation turn', () => {
  let fixture: HostFixture;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const folder = join(fixture.home, 'models', 'maker', 'model');
    mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of Object.entries(MODELS)) writeFileSync(join(folder, `${name}.gguf`), bytes);
    host = fixture.host();
  });
  afterEach(() => fixture.close());

  async function load(name: keyof typeof MODELS, n_ctx = 256): Promise<void> {
    const settings = { n_gpu_layers: 0, n_threads: 1, n_ctx };
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: `maker/model/${name}.gguf`, settings }));
  }

  const read = async (id = 'talk') => payloadOf('GET_CONVERSATION', await host.request('GET_CONVERSATION', { id }));
  const ask = async (message: string, more: object = {}) =>
    payloadOf('GENERATE', await host.request('GENERATE', { chat_id: 'talk', message, settings: GREEDY, ...more }));

  it('is stored with its model and usage, and reported to the client', async () => {
    await load('story');
    const payload = await ask('once upon');
    expect(payload).toMatchObject({ output: ' one time there was a small model .', finishReason: 'stop' });
    const { conversation, messages } = await read();
    expect(conversation).toMatchObject({ title: 'once upon', pinned: false });
    expect(messages).toMatchObject([
      { role: 'user', content: 'once upon', status: 'done', parent_id: null },
      {
        role: 'assistant',
        content: payload.output,
        status: 'done',
        model: 'maker/model/story.gguf',
        usage: { promptTokens: payload.usage.promptTokens },
        parent_id: messages[0]?.id,
      },
    ]);
    expect(payload.conversation).toEqual({ id: 'talk', message_ids: messages.map(({ id }) => id) });
    const updates = host.received.filter(({ type }) => type === 'generationUpdate');
    expect(updates.length).toBeGreaterThan(0);
    for (const update of updates) {
      expect(update.payload).toMatchObject({ chat_id: 'talk', message_id: messages[1]?.id });
    }
    const kinds = host.received.filter(({ type }) => type === 'conversationChanged').map((event) => event.payload);
    expect(kinds).toEqual([
      { conversation_id: 'talk', kind: 'created' },
      { conversation_id: 'talk', kind: 'messages' },
    ]);
  });

  it('is generated from the messages before it, with the system prompt and the settings of the conversation', async () => {
    await load('strict');
    await ask('once');
    const [, answer] = (await read()).messages;
    const changes = { id: 'talk', system_prompt: 'Be brief.', settings: { max_new_tokens: 2, do_sample: false } };
    payloadOf('UPDATE_CONVERSATION', await host.request('UPDATE_CONVERSATION', changes));
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'once' },
      { role: 'assistant', content: answer?.content },
      { role: 'user', content: 'upon' },
    ];
    const rendered = payloadOf('RENDER_PROMPT', await host.request('RENDER_PROMPT', { messages }));
    const payload = await ask('upon', { settings: {} });
    expect(payload).toMatchObject({
      usage: { promptTokens: rendered.tokens, completionTokens: 2 },
      finishReason: 'length',
    });
    expect((await read()).messages.at(-1)).toMatchObject({ status: 'length' });
  });

  it('uses the defaults of its model, unless the conversation or the request sets others', async () => {
    await load('strict');
    const modelId = 'maker/model/strict.gguf';
    const settings = { system_prompt: 'Be brief.', generation: { max_new_tokens: 2, do_sample: false } };
    expect(payloadOf('SET_MODEL_SETTINGS', await host.request('SET_MODEL_SETTINGS', { settings }))).toEqual({
      modelId,
      settings,
    });
    const question = { role: 'user', content: 'upon' };
    const tokens = async (messages: object[]) =>
      payloadOf('COUNT_TOKENS', await host.request('COUNT_TOKENS', { messages })).tokens;
    const system = { role: 'system', content: 'Be brief.' };
    const withSystem = await tokens([system, question]);
    expect(await tokens([question])).toBe(withSystem);
    const { prompt } = payloadOf('RENDER_PROMPT', await host.request('RENDER_PROMPT', { messages: [question] }));
    expect(prompt).toContain('Be brief.');
    expect(await ask('upon', { settings: {} })).toMatchObject({
      usage: { promptTokens: withSystem, completionTokens: 2 },
      finishReason: 'length',
    });
    const plain = await host.request('GENERATE', { messages: [question], settings: { max_tokens: 1 } });
    expect(payloadOf('GENERATE', plain).usage).toMatchObject({ promptTokens: withSystem, completionTokens: 1 });

    await host.request('CREATE_CONVERSATION', { id: 'none' });
    const changes = { id: 'none', system_prompt: '', settings: { max_new_tokens: 3 } };
    payloadOf('UPDATE_CONVERSATION', await host.request('UPDATE_CONVERSATION', changes));
    const { usage } = await ask('upon', { chat_id: 'none', settings: {} });
    expect(usage.promptTokens).toBeLessThan(withSystem);
    expect(usage.completionTokens).toBe(3);
  });

  it('can be regenerated, edited, and continued after a limit', async () => {
    await load('story');
    const first = await ask('once upon', { settings: { ...GREEDY, max_new_tokens: 3 } });
    expect(first.finishReason).toBe('length');
    const continued = payloadOf(
      'GENERATE',
      await host.request('GENERATE', { chat_id: 'talk', continue: true, settings: GREEDY }),
    );
    expect((await read()).messages.map(({ content }) => content)).toEqual([
      'once upon',
      first.output + continued.output,
    ]);
    expect(continued.conversation?.message_ids).toEqual(first.conversation?.message_ids);
    const [question = '', answer = ''] = first.conversation?.message_ids ?? [];
    const again = payloadOf(
      'GENERATE',
      await host.request('GENERATE', {
        chat_id: 'talk',
        regenerate: answer,
        settings: { ...GREEDY, max_new_tokens: 1 },
      }),
    );
    const { messages } = await read();
    expect(messages.map(({ id }) => id)).toEqual([question, again.conversation?.message_ids[1]]);
    expect(messages[1]?.siblings).toEqual([answer, again.conversation?.message_ids[1]]);
    await ask('there', { parent_id: null });
    expect((await read()).messages[0]).toMatchObject({ content: 'there', siblings: [question, expect.any(String)] });
    payloadOf(
      'UPDATE_CONVERSATION',
      await host.request('UPDATE_CONVERSATION', { id: 'talk', selected_message: answer }),
    );
    expect((await read()).messages.map(({ id }) => id)).toEqual([question, answer]);
  });

  it('works if its history is longer than the context, and reports what was left out', async () => {
    await load('strict', 256);
    const settings = { ...GREEDY, max_new_tokens: 16 };
    for (let i = 0; i < 5; i += 1) await ask('once upon a time there was a small model . '.repeat(2), { settings });
    const payload = await ask('once', { settings });
    expect(payload.trimmed?.messages).toBeGreaterThan(0);
    expect(payload.trimmed?.tokens).toBeGreaterThan(0);
    expect(payload.usage.promptTokens + 16).toBeLessThan(256);
    const stored = (await read()).messages;
    expect(stored).toHaveLength(12);
    expect(stored.at(-1)?.usage).toEqual({ ...payload.usage, trimmed: payload.trimmed });
    const refused = await host.request('GENERATE', {
      chat_id: 'talk',
      message: 'once',
      context_overflow: 'error',
      settings,
    });
    expect(refused).toMatchObject({ code: 'CONTEXT_OVERFLOW' });
    // The failed turn is omitted from the next one.
    expect((await read()).messages.at(-1)).toMatchObject({ status: 'failed', content: '' });
    await ask('upon', { settings });
    // A question that does not fit even alone fails, but the next one does not.
    expect(await host.request('GENERATE', { chat_id: 'talk', message: 'once '.repeat(500) })).toMatchObject({
      code: 'CONTEXT_OVERFLOW',
    });
    await ask('there', { settings });
  });

  it('is listed while it runs, can be stopped by its request ID, and keeps the text so far', async () => {
    await load('long', 32_768);
    const begun = host.next(({ type }) => type === 'generationUpdate');
    const reply = host.next(({ requestId, status }) => requestId === 'long' && status !== undefined);
    host.send({ action: 'GENERATE', requestId: 'long', chat_id: 'talk', message: 'tick', settings: WITHOUT_END });
    const { payload } = await begun;
    const active = payloadOf('GET_ACTIVE_GENERATIONS', await host.request('GET_ACTIVE_GENERATIONS'));
    expect(active.generations).toMatchObject([
      { requestId: 'long', conversation_id: 'talk', message_id: payload.message_id, modelId: 'maker/model/long.gguf' },
    ]);
    expect(active.generations[0]?.text.length).toBeGreaterThan(0);
    expect((await read()).messages[1]).toMatchObject({ status: 'streaming' });
    await host.request('STOP_GENERATION', { targetRequestId: 'long' });
    const { output } = (await reply).payload;
    expect((await read()).messages[1]).toMatchObject({ status: 'stopped', content: output });
    expect(await host.request('GET_ACTIVE_GENERATIONS')).toMatchObject({ payload: { generations: [] } });
  });

  it('with store: false is not stored, but named in events and in the list of running generations', async () => {
    await load('long', 32_768);
    const begun = host.next(({ type }) => type === 'generationUpdate');
    const reply = host.next(({ requestId, status }) => requestId === 'long' && status !== undefined);
    const messages = [{ role: 'user', content: 'tick' }];
    const request = { chat_id: 'talk', store: false, messages, settings: WITHOUT_END };
    host.send({ action: 'GENERATE', requestId: 'long', ...request });
    expect((await begun).payload).toMatchObject({ chat_id: 'talk' });
    const active = payloadOf('GET_ACTIVE_GENERATIONS', await host.request('GET_ACTIVE_GENERATIONS'));
    expect(active.generations).toMatchObject([{ conversation_id: 'talk', message_id: null, requestId: 'long' }]);
    await host.request('STOP_GENERATION', { targetRequestId: 'long' });
    expect((await reply).payload).not.toHaveProperty('conversation');
    expect(await host.request('GET_CONVERSATION', { id: 'talk' })).toMatchObject({ code: 'CONVERSATION_NOT_FOUND' });
    expect(host.received.filter(({ type }) => type === 'conversationChanged')).toEqual([]);
  });

  it('with store: false leaves no evaluated prompt on the disk', async () => {
    const saved = () => {
      const paths = readdirSync(join(fixture.home, 'prompt-cache'), { recursive: true, encoding: 'utf8' });
      // The folder of a process that is exiting links to the same states.
      return new Set(paths.filter((path) => path.endsWith('.state')).map((path) => basename(path)));
    };
    const messages = [{ role: 'user', content: 'tick' }];
    const request = { chat_id: 'talk', messages, settings: { ...GREEDY, max_new_tokens: 100 } };
    for (const [store, files] of [
      [false, 0],
      [true, 1],
    ] as const) {
      await load('long');
      payloadOf('GENERATE', await host.request('GENERATE', { ...request, store }));
      payloadOf('UNLOAD_MODEL', await host.request('UNLOAD_MODEL', { modelId: 'maker/model/long.gguf' }));
      expect(saved().size).toBe(files);
    }
  });

  it('is stored while it is generated, and marked as stopped after the host was killed', async () => {
    await load('long', 32_768);
    host.send({ action: 'GENERATE', requestId: 'long', chat_id: 'talk', message: 'tick', settings: WITHOUT_END });
    const ended = host.next(({ type, payload }) => type === 'generationUpdate' && payload.numTokens > 200);
    await ended;
    let content = '';
    while (content === '') {
      // Each update advances the clock towards the next save.
      await host.next(({ type }) => type === 'generationUpdate');
      content = (await read()).messages[1]?.content ?? '';
    }
    // Another host sees it, and does not mark it as abandoned.
    const other = fixture.host();
    const seen = payloadOf('GET_CONVERSATION', await other.request('GET_CONVERSATION', { id: 'talk' }));
    expect(seen.messages[1]).toMatchObject({ status: 'streaming' });
    await host.kill();
    const { messages } = payloadOf('GET_CONVERSATION', await other.request('GET_CONVERSATION', { id: 'talk' }));
    expect(messages[1]).toMatchObject({ status: 'stopped' });
    expect(messages[1]?.content.startsWith(content)).toBe(true);
  });

  it('is marked as stopped when its host exits', async () => {
    await load('long', 32_768);
    const begun = host.next(({ type }) => type === 'generationUpdate');
    host.send({ action: 'GENERATE', requestId: 'long', chat_id: 'talk', message: 'tick', settings: WITHOUT_END });
    await begun;
    await host.kill('SIGTERM');
    host = fixture.host();
    const { messages } = await read();
    expect(messages[1]).toMatchObject({ status: 'stopped' });
    expect(messages[1]?.content.length).toBeGreaterThan(0);
  });

  it.each([
    [{ message: 'x' }, 'chat_id'],
    [{ chat_id: 'talk', message: 'x', messages: [{ role: 'user', content: 'x' }] }, 'messages'],
    [{ chat_id: 'talk', message: 'x', regenerate: 'y' }, 'regenerate'],
    [{ chat_id: 'talk', message: { role: 'assistant', content: 'x' } }, 'message.role'],
    [{ chat_id: 'talk', message: '' }, 'message'],
    [{ chat_id: 'talk', message: 'x', store: false }, 'store'],
    [{ chat_id: 'talk', parent_id: null, prompt: 'x' }, 'parent_id'],
    [{ chat_id: 'talk', message: 'x', parent_id: 'unknown' }, 'parent_id'],
  ])('is rejected for %j, naming %s, and stores nothing', async (request, field) => {
    await load('story');
    expect(await host.request('GENERATE', request)).toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
    expect(await host.request('GET_CONVERSATION', { id: 'talk' })).toMatchObject({ code: 'CONVERSATION_NOT_FOUND' });
  });

  it('is restored with its conversation when the deletion is undone', async () => {
    await load('story');
    await ask('once upon');
    const before = await read();
    await host.request('DELETE_CONVERSATION', { id: 'talk' });
    payloadOf('RESTORE_CONVERSATION', await host.request('RESTORE_CONVERSATION', { id: 'talk' }));
    expect((await read()).messages.map(({ id, content }) => [id, content])).toEqual(
      before.messages.map(({ id, content }) => [id, content]),
    );
    const kinds = host.received.filter(({ type }) => type === 'conversationChanged').map((event) => event.payload.kind);
    expect(kinds).toEqual(['created', 'messages', 'deleted', 'restored']);
  });
});
