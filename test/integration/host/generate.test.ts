import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { COIN, ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { scriptedModel } from '../../support/gguf/scripted-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';
import { FAMILIES, TOOLS } from '../../support/tools/families.ts';

const REPO = 'tabagent/markov-gguf';
const STORY = `${REPO}/story.gguf`;
const LONG = `${REPO}/long.gguf`;
const CHAT = `${REPO}/chat.gguf`;
const FLIPS = `${REPO}/coin.gguf`;
const CALLER = `${REPO}/caller.gguf`;
const REASONER = `${REPO}/reasoner.gguf`;
/** One thread: on a busy machine of two cores more of them wait for each other. */
const SETTINGS = { n_gpu_layers: 0, n_threads: 1 };
const GREEDY = { do_sample: false };
/** As long as the context allows, until it is stopped. */
const WITHOUT_END = { do_sample: false, max_new_tokens: 1_000_000 };

/** A template that renders only the content of the last message. */
const TEMPLATE = '{{ bos_token }}{{ messages[-1].content }}';

function isUpdate({ type }: Message): boolean {
  return type === 'generationUpdate';
}

describe('generation over native messaging', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const files = {
      'story.gguf': markovModel(),
      'long.gguf': markovModel({ chain: ENDLESS, contextLength: 32_768 }),
      'coin.gguf': markovModel({ chain: COIN }),
      'reasoner.gguf': markovModel({
        chain: {
          go: { '[THINK]': 1 },
          '[THINK]': { plan: 1 },
          plan: { '[/THINK]': 1 },
          '[/THINK]': { hello: 1 },
          hello: { '': 1 },
        },
        special: { '[THINK]': 'control', '[/THINK]': 'control' },
        metadata: { 'tokenizer.chat_template': string(TEMPLATE) },
      }),
      'caller.gguf': scriptedModel({ ...FAMILIES[0], contextLength: 4096 }),
      'chat.gguf': markovModel({ metadata: { 'tokenizer.chat_template': string(TEMPLATE) } }),
    };
    hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  async function load(modelPath: string, n_ctx = 512): Promise<void> {
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath, settings: { ...SETTINGS, n_ctx } }));
  }

  it('returns the expected text in events, in the payload and at the top level', async () => {
    await load(STORY);
    const reply = await host.request('GENERATE', { prompt: '', settings: GREEDY });
    const payload = payloadOf('GENERATE', reply);
    expect(payload).toMatchObject({
      output: STORY_GREEDY,
      generatedText: STORY_GREEDY,
      numTokens: 10,
      finishReason: 'stop',
      modelId: STORY,
      usage: { promptTokens: 1, completionTokens: 10 },
    });
    expect(reply.text).toBe(STORY_GREEDY);
    const events = host.received.filter(({ requestId, type }) => requestId === reply.requestId && type !== undefined);
    expect(
      events
        .filter(isUpdate)
        .map(({ payload }) => payload.token)
        .join(''),
    ).toBe(STORY_GREEDY);
    expect(events.filter(isUpdate).at(-1)?.payload.numTokens).toBe(10);
    expect(events.at(-1)).toMatchObject({
      type: 'generationComplete',
      payload: { output: STORY_GREEDY, generatedText: STORY_GREEDY, numTokens: 10 },
    });
    expect(host.received.indexOf(events.at(-1) ?? {})).toBeLessThan(host.received.indexOf(reply));
  });

  it('coalesces the output of a fast model into about 30 events per second, without losing text', async () => {
    await load(FLIPS, 4_096);
    const begin = performance.now();
    const reply = await host.request('GENERATE', {
      prompt: '',
      settings: { max_new_tokens: 2_000, seed: 5, temperature: 1 },
    });
    const seconds = (performance.now() - begin) / 1_000;
    const payload = payloadOf('GENERATE', reply);
    expect(payload.numTokens).toBe(2_000);
    const updates = host.received.filter(isUpdate);
    expect(updates.map((event) => event.payload.token).join('')).toBe(payload.output);
    // The first and the last are sent whenever they come.
    expect(updates.length).toBeLessThanOrEqual(2 + 30 * seconds);
    const again = payloadOf(
      'GENERATE',
      await host.request('GENERATE', { prompt: '', settings: { max_new_tokens: 2_000, seed: 5, temperature: 1 } }),
    );
    expect(again.output).toBe(payload.output);
  });

  it('accepts messages, stop sequences as a string or a list, and a JSON schema', async () => {
    await load(STORY);
    const generate = async (fields: Message) => payloadOf('GENERATE', await host.request('GENERATE', fields));
    expect(
      (await generate({ messages: [{ role: 'user', content: 'once' }], settings: { ...GREEDY, max_new_tokens: 1 } }))
        .numTokens,
    ).toBe(1);
    expect((await generate({ prompt: '', settings: { ...GREEDY, stop: 'time' } })).output).toBe('once upon one ');
    expect((await generate({ prompt: '', settings: { ...GREEDY, stop: ['a small', 'one'] } })).output).toBe(
      'once upon ',
    );
    const held = await generate({ prompt: '', settings: { ...GREEDY, json_schema: { enum: ['yes'] } } });
    expect(held.output).toBe('"yes"');
    const matching = {
      prompt: '',
      settings: { ...GREEDY, regex: 'ON(?:E|CE)', regex_flags: 'i', constraint_prefix: 'on' },
    };
    expect((await generate(matching)).output).toMatch(/^c?e$/i);
  });

  it('renders messages with the chat template of the model', async () => {
    await load(CHAT);
    const messages = [
      { role: 'user', content: 'model' },
      { role: 'assistant', content: '.' },
      { role: 'user', content: 'once upon one' },
    ];
    const payload = payloadOf('GENERATE', await host.request('GENERATE', { messages, settings: GREEDY }));
    expect(payload).toMatchObject({ output: ' time there was a small model .', usage: { promptTokens: 4 } });
  });

  it.each<[string, Message, string]>([
    ['neither prompt nor messages', {}, 'messages'],
    ['both', { prompt: 'x', messages: [{ role: 'user', content: 'x' }] }, 'prompt'],
    ['a message without content', { messages: [{ role: 'user' }] }, 'messages.0.content'],
    ['no message', { messages: [] }, 'messages'],
    ['too hot a temperature', { prompt: '', settings: { temperature: 6 } }, 'settings.temperature'],
    ['a seed of 33 bits', { prompt: '', settings: { seed: 2 ** 32 } }, 'settings.seed'],
    ['an empty stop sequence', { prompt: '', settings: { stop: '' } }, 'settings.stop'],
    ['half a token', { prompt: '', settings: { max_new_tokens: 0.5 } }, 'settings.max_new_tokens'],
    [
      'a regular expression with tools',
      { messages: [{ role: 'user', content: 'x' }], tools: [{ type: 'function' }], settings: { regex: 'x' } },
      'settings.regex',
    ],
    ['flags of no regular expression', { prompt: '', settings: { regex_flags: 'i' } }, 'settings.regex_flags'],
    ['a beginning of what is free', { prompt: '', settings: { constraint_prefix: 'a' } }, 'settings.constraint_prefix'],
    [
      'schema and grammar',
      { prompt: '', settings: { json_schema: { type: 'null' }, grammar: 'x' } },
      'settings.grammar',
    ],
    [
      'a schema that cannot be kept',
      { prompt: '', settings: { json_schema: { not: { type: 'string' } } } },
      'settings.json_schema.not',
    ],
  ])('rejects %s by name', async (_what, fields, field) => {
    await load(STORY);
    expect(await host.request('GENERATE', fields)).toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
    expect(payloadOf('GENERATE', await host.request('GENERATE', { prompt: '', settings: GREEDY })).output).toBe(
      STORY_GREEDY,
    );
  });

  it('sends reasoning separately from the answer, and reports ignored settings', async () => {
    await load(REASONER);
    const reply = await host.request('GENERATE', {
      messages: [{ role: 'user', content: 'go' }],
      settings: { ...GREEDY, reasoning: 'high' },
    });
    expect(payloadOf('GENERATE', reply)).toMatchObject({
      output: 'hello',
      reasoning: 'plan',
      usage: { reasoningTokens: 3 },
    });
    expect(reply).toMatchObject({ text: 'hello', ignored: ['settings.reasoning'] });
    const updates = host.received.filter(isUpdate).map(({ payload }) => [payload.token, payload.reasoning]);
    expect(updates).toEqual([
      ['', 'plan'],
      ['hello', undefined],
    ]);
  });

  it('reports fields that have no effect, and rejects them in a strict request', async () => {
    await load(CHAT);
    const request = {
      messages: [{ role: 'user', content: 'once' }],
      tool_choice: 'required',
      logprobs: true,
      settings: { ...GREEDY, max_new_tokens: 1, best_of: 2, dry_base: 2 },
    };
    const reply = await host.request('GENERATE', request);
    expect(payloadOf('GENERATE', reply).finishReason).toBe('length');
    expect(reply.ignored).toEqual(['logprobs', 'tool_choice', 'settings.best_of', 'settings.dry_base']);
    expect(await host.request('GENERATE', { ...request, strict: true })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'logprobs' },
    });
    const { messages } = request;
    expect(await host.request('GENERATE', { messages, parallel_tool_calls: true, strict: true })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'parallel_tool_calls' },
    });
    expect((await host.request('GENERATE', { messages, settings: GREEDY, strict: true })).ignored).toBeUndefined();
  });

  it('reports tool calls in events and in the reply, and rejects invalid tools', async () => {
    await load(CALLER, 4096);
    const request = { messages: [{ role: 'user', content: 'Weather?' }], tools: TOOLS, settings: GREEDY };
    const reply = await host.request('GENERATE', request);
    const call = { name: 'get_weather', arguments: '{"town":"Bern"}' };
    expect(payloadOf('GENERATE', reply)).toMatchObject({
      output: 'I will look.',
      tool_calls: [{ id: expect.any(String), type: 'function', function: call }],
      finishReason: 'tool_calls',
    });
    const events = host.received.filter(({ type }) => type === 'generationToolCall').map(({ payload }) => payload);
    expect(events).toEqual([{ modelId: CALLER, index: 0, id: expect.any(String), ...call }]);

    const none = payloadOf('GENERATE', await host.request('GENERATE', { ...request, tool_choice: 'none' }));
    expect(none).toMatchObject({ output: expect.stringContaining('<tool_call>'), finishReason: 'stop' });
    const refused = async (fields: object) => (await host.request('GENERATE', { ...request, ...fields })).details;
    const unknown = { type: 'function', function: { name: 'other' } };
    expect(await refused({ tool_choice: unknown })).toMatchObject({ field: 'tool_choice.function.name' });
    expect(await refused({ settings: { grammar: 'root ::= "a"' } })).toMatchObject({ field: 'settings.grammar' });
    const parameters = { type: 'object', properties: { a: { not: {} } } };
    const strict = [{ type: 'function', function: { name: 'f', parameters, strict: true } }];
    const field = 'tools.0.function.parameters.properties.a.not';
    expect(await refused({ tools: strict })).toMatchObject({ field });
    const lenient = [{ type: 'function', function: { name: 'f', parameters } }];
    const { ignored } = await host.request('GENERATE', { ...request, tools: lenient });
    expect(ignored).toEqual([field]);
  });

  it("accepts OpenAI's names for limits and response formats", async () => {
    await load(CHAT);
    const ask = async (settings: object) =>
      payloadOf(
        'GENERATE',
        await host.request('GENERATE', {
          messages: [{ role: 'user', content: 'once' }],
          settings: { ...GREEDY, ...settings },
        }),
      );
    expect(await ask({ max_tokens: 2 })).toMatchObject({ numTokens: 2, finishReason: 'length' });
    expect(await ask({ max_completion_tokens: 3, max_tokens: 2 })).toMatchObject({ numTokens: 3 });
    expect((await ask({ response_format: { type: 'text' } })).output).toBe(' upon one time there was a small model .');
    const schema = { const: 'upon' };
    const format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    expect((await ask({ response_format: format })).output).toBe('"upon"');
    expect((await ask({ response_format: { type: 'json_object' }, max_tokens: 1 })).output).toMatch(/^\{/);
    const faulty = { type: 'json_schema', json_schema: { schema: { not: { type: 'string' } } } };
    expect(
      await host.request('GENERATE', {
        messages: [{ role: 'user', content: 'once' }],
        settings: { response_format: faulty },
      }),
    ).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'settings.response_format.json_schema.schema.not' },
    });
    expect(
      await host.request('GENERATE', {
        prompt: 'once',
        settings: { response_format: format, grammar: 'root ::= "a"' },
      }),
    ).toMatchObject({ code: 'INVALID_REQUEST', details: { field: 'settings.grammar' } });
  });

  it('continues an answer', async () => {
    await load(CHAT);
    const messages = [
      { role: 'user', content: 'once' },
      { role: 'assistant', content: ' upon one' },
    ];
    const request = { messages, continue: true, settings: GREEDY };
    expect(payloadOf('GENERATE', await host.request('GENERATE', request)).output).toBe(
      ' time there was a small model .',
    );
    const { prompt } = payloadOf('RENDER_PROMPT', await host.request('RENDER_PROMPT', { messages, continue: true }));
    expect(prompt).toBe('<s>once upon one');
    expect(await host.request('GENERATE', { ...request, chat_id: 'talk' })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'continue' },
    });
    expect(await host.request('GENERATE', { ...request, messages: messages.slice(0, 1) })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'continue' },
    });
  });

  it('reports in an event and in the reply that no model is loaded', async () => {
    const event = host.next(({ type }) => type === 'generationError');
    const reply = await host.request('GENERATE', { prompt: 'x' });
    expect(reply).toMatchObject({ status: 'error', code: 'MODEL_NOT_LOADED' });
    expect((await event).payload).toEqual({ modelId: null, code: 'MODEL_NOT_LOADED', error: reply.message });
    expect(await host.request('GENERATE', { prompt: 'x', modelId: STORY })).toMatchObject({ code: 'MODEL_NOT_LOADED' });
  });

  it('stops the named generation, and returns its text so far', async () => {
    await load(LONG, 32_768);
    const first = host.next(isUpdate);
    const reply = host.next(({ requestId, status }) => requestId === 'long' && status !== undefined);
    host.send({ action: 'GENERATE', requestId: 'long', prompt: '', settings: WITHOUT_END });
    await first;
    expect(
      payloadOf('STOP_GENERATION', await host.request('STOP_GENERATION', { targetRequestId: 'other' })).stopped,
    ).toBe(0);
    const stopped = host.next(({ type }) => type === 'generationStopped');
    const stop = await host.request('STOP_GENERATION', { targetRequestId: 'long' });
    expect(stop).toMatchObject({ message: 'Generation stopped (Node-GGUF)', stopped_backends: ['Node-GGUF'] });
    expect(payloadOf('STOP_GENERATION', stop)).toEqual({ stopped: 1, stopped_backends: ['Node-GGUF'] });
    const payload = payloadOf('GENERATE', await reply);
    expect(payload.finishReason).toBe('stopped');
    expect(payload.numTokens).toBeLessThan(32_000);
    expect((await stopped).payload.output).toBe(payload.output);
    expect(await host.request('STOP_GENERATION')).toMatchObject({
      status: 'success',
      message: 'No active generation to stop',
      stopped_backends: [],
    });
  });

  it('stops generations of a client without request IDs, and of one model only', async () => {
    await load(LONG, 32_768);
    const first = host.next(isUpdate);
    const replies: Message[] = [];
    const done = host.next(
      (message) => 'status' in message && message.action === 'STOP_GENERATION' && message.stopped_backends.length > 0,
    );
    host.onMessage((message) => {
      if ('status' in message) replies.push(message);
    });
    host.send({ action: 'GENERATE', prompt: '', settings: WITHOUT_END });
    await first;
    host.send({ action: 'STOP_GENERATION', modelId: STORY });
    host.send({ action: 'STOP_GENERATION', modelId: LONG });
    await done;
    // In the order of the requests, although the first one took longest.
    expect(replies.map(({ action, message }) => [action, message])).toEqual([
      ['GENERATE', undefined],
      ['STOP_GENERATION', 'No active generation to stop'],
      ['STOP_GENERATION', 'Generation stopped (Node-GGUF)'],
    ]);
  });

  // /proc lists the host's processes.
  (process.platform === 'linux' ? it : it.skip)(
    'goes on when a runner is killed in the middle of a generation',
    async () => {
      await load(LONG, 32_768);
      const children = readFileSync(`/proc/${host.pid}/task/${host.pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .map(Number);
      const first = host.next(isUpdate);
      const error = host.next(({ type }) => type === 'generationError');
      const reply = host.request('GENERATE', { prompt: '', settings: WITHOUT_END });
      await first;
      for (const pid of children) process.kill(pid, 'SIGKILL');
      expect(await reply).toMatchObject({ status: 'error', code: 'ENGINE_CRASHED' });
      expect((await error).payload).toMatchObject({ code: 'ENGINE_CRASHED' });
      expect(await host.request('PING')).toMatchObject({ response: 'pong' });
      await load(STORY);
      expect(payloadOf('GENERATE', await host.request('GENERATE', { prompt: '', settings: GREEDY })).output).toBe(
        STORY_GREEDY,
      );
    },
  );

  it('ends a generation when its client disconnects', async () => {
    await load(LONG, 32_768);
    const first = host.next(isUpdate);
    host.send({ action: 'GENERATE', requestId: 1, prompt: '', settings: WITHOUT_END });
    await first;
    expect(await host.close()).toEqual({ code: 0, signal: null });
    const reply = host.received.find(({ requestId, status }) => requestId === 1 && status !== undefined);
    expect(reply).toMatchObject({ status: 'error', code: 'ABORTED' });
  });

  it('saves parameters across a restart, and generates with them', async () => {
    const before = payloadOf('GET_PARAMS', await host.request('GET_PARAMS')).params;
    const set = await host.request('SET_PARAMS', { params: { max_new_tokens: 2, do_sample: false } });
    expect(payloadOf('SET_PARAMS', set).params).toEqual({ ...before, max_new_tokens: 2, do_sample: false });
    expect(set.params).toEqual(set.payload.params);
    const updated = await host.request('UPDATE_SETTINGS', { settings: { top_k: 5, theme: 'dark' } });
    expect(updated.settings).toEqual({ ...before, max_new_tokens: 2, do_sample: false, top_k: 5 });
    expect(updated.message).toMatch(/Ignored unknown settings: theme/);
    await host.close();

    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    const after = await host.request('GET_PARAMS');
    expect(payloadOf('GET_PARAMS', after).params).toEqual(updated.settings);
    expect(after.params).toEqual(updated.settings);
    await load(STORY);
    expect(payloadOf('GENERATE', await host.request('GENERATE', { prompt: '' })).output).toBe('once upon');
  });

  it.each<[string, Message]>([
    ['temperature', { temperature: -1 }],
    ['top_p', { top_p: 1.1 }],
    ['top_k', { top_k: 0.5 }],
    ['max_new_tokens', { max_new_tokens: 0 }],
    ['repetition_penalty', { repetition_penalty: 0 }],
    ['do_sample', { do_sample: 'yes' }],
  ])('rejects an invalid %s by name, and saves nothing', async (name, values) => {
    const before = (await host.request('GET_PARAMS')).params;
    for (const [action, field] of [
      ['SET_PARAMS', 'params'],
      ['UPDATE_SETTINGS', 'settings'],
    ] as const) {
      expect(await host.request(action, { [field]: { top_k: 3, ...values } })).toMatchObject({
        code: 'INVALID_REQUEST',
        details: { field: `${field}.${name}` },
      });
    }
    expect((await host.request('GET_PARAMS')).params).toEqual(before);
  });
});
