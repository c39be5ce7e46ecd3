import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { bertModel, bertVector } from '../../support/gguf/bert-model.ts';
import { markovModel, START } from '../../support/gguf/markov-model.ts';
import { scriptedModel } from '../../support/gguf/scripted-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { ServeProcess } from '../../support/serve/serve-process.ts';
import { FAMILIES, TOOLS } from '../../support/tools/families.ts';

const FOLDER = 'tabagent/serve-gguf';
const STORY = `${FOLDER}/story.gguf`;
/** The model's continuation of "once". */
const STORY_ANSWER = ' upon one time there was a small model .';
const [HERMES] = FAMILIES;
const THINKING = {
  template: `{%- for m in messages %}{{ m.content }}{% endfor %}{{ '<think></think>' if false }}`,
  pieces: ['<think>', 'so', '</think>', 'hello'],
};
const echo = { 'tokenizer.chat_template': string("{{ messages[-1]['content'] }}") };
const WORDS = ['red', 'green', 'blue'];

const ask = (content: string) => [{ role: 'user' as const, content }];

describe('tabagent serve', () => {
  let fixture: HostFixture;
  let server: ServeProcess;
  let openai: OpenAI;
  beforeAll(async () => {
    fixture = await HostFixture.open();
    const folder = join(fixture.home, 'models', FOLDER);
    await mkdir(folder, { recursive: true });
    const models = {
      story: markovModel({ metadata: echo }),
      endless: markovModel({ metadata: echo, chain: { [START]: { on: 1 }, on: { on: 1 } }, contextLength: 65_536 }),
      tools: scriptedModel(HERMES),
      thinking: scriptedModel(THINKING),
      vectors: bertModel({ words: WORDS }),
      ranker: bertModel({ words: WORDS, rank: { red: 1, blue: -1 } }),
    };
    for (const [name, bytes] of Object.entries(models)) await writeFile(join(folder, `${name}.gguf`), bytes);
    server = fixture.use(await ServeProcess.start(fixture.home));
    openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.key, maxRetries: 0 });
  });
  afterAll(() => fixture.close());

  describe("with OpenAI's client", () => {
    it('lists models', async () => {
      const { data } = await openai.models.list();
      expect(data.map(({ id }) => id)).toContain(STORY);
      expect(await openai.models.retrieve(STORY)).toMatchObject({ id: STORY, object: 'model' });
    });

    it('completes chats with usage, streamed or not', async () => {
      const request = { model: STORY, messages: ask('once'), temperature: 0 };
      const whole = await openai.chat.completions.create(request);
      expect(whole.choices[0]).toMatchObject({ message: { content: STORY_ANSWER }, finish_reason: 'stop' });
      const stream = await openai.chat.completions.create({
        ...request,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = '';
      const reasons: unknown[] = [];
      let tokens: number | undefined;
      for await (const { choices, usage } of stream) {
        text += choices[0]?.delta.content ?? '';
        if (choices[0]?.finish_reason) reasons.push(choices[0].finish_reason);
        tokens = usage?.completion_tokens ?? tokens;
      }
      expect([text, reasons, tokens]).toEqual([STORY_ANSWER, ['stop'], whole.usage?.completion_tokens]);
      const short = await openai.chat.completions.create({ ...request, max_completion_tokens: 2 });
      expect(short.choices[0]).toMatchObject({ message: { content: ' upon one' }, finish_reason: 'length' });
    });

    it('supports tool calls, streamed or not', async () => {
      const tools = TOOLS as OpenAI.ChatCompletionTool[];
      const request = { model: 'tools', messages: ask('weather'), tools, temperature: 0 };
      const called = { name: 'get_weather', arguments: '{"town":"Bern"}' };
      const whole = await openai.chat.completions.create(request);
      expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
      const [call] = whole.choices[0]?.message.tool_calls ?? [];
      expect(call).toMatchObject({ type: 'function', function: { name: called.name } });
      expect(JSON.parse(call?.type === 'function' ? call.function.arguments : '')).toEqual({ town: 'Bern' });
      const runner = openai.chat.completions.stream(request);
      const final = await runner.finalChatCompletion();
      expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: called.name } });
    });

    it('separates reasoning', async () => {
      const request = { model: 'thinking', messages: ask('hi'), temperature: 0 };
      const whole = await openai.chat.completions.create(request);
      expect(whole.choices[0]?.message).toMatchObject({ content: 'hello', reasoning_content: 'so' });
      expect(whole.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
      let reasoning = '';
      for await (const { choices } of await openai.chat.completions.create({ ...request, stream: true })) {
        reasoning += (choices[0]?.delta as { reasoning_content?: string } | undefined)?.reasoning_content ?? '';
      }
      expect(reasoning).toBe('so');
    });

    it('restricts answers to a JSON schema', async () => {
      const schema = { enum: ['upon', 'there'] };
      const { choices } = await openai.chat.completions.create({
        model: STORY,
        messages: ask('once'),
        temperature: 0,
        response_format: { type: 'json_schema', json_schema: { name: 'word', schema } },
      });
      expect(schema.enum).toContain(JSON.parse(choices[0]?.message.content ?? ''));
    });

    it('completes prompts', async () => {
      const request = { model: STORY, prompt: 'once upon', temperature: 0 };
      const { choices, usage } = await openai.completions.create(request);
      expect([choices[0]?.text, usage?.prompt_tokens]).toEqual([' one time there was a small model .', 3]);
      let text = '';
      for await (const chunk of await openai.completions.create({ ...request, stream: true })) {
        text += chunk.choices[0]?.text ?? '';
      }
      expect(text).toBe(choices[0]?.text);
    });

    it('embeds texts, as numbers and as the base64 that the client requests by default', async () => {
      const expected = bertVector(WORDS, 'red');
      const length = Math.hypot(...expected);
      for (const more of [{}, { encoding_format: 'float' as const }]) {
        const { data } = await openai.embeddings.create({ model: 'vectors', input: ['red', 'blue'], ...more });
        expect(data).toHaveLength(2);
        expect(data[0]?.embedding).toEqual(expected.map((value) => expect.closeTo(value / length, 4)));
      }
    });

    it('reports errors as the client expects them', async () => {
      const chat = (fields: object) =>
        openai.chat.completions.create({ model: STORY, messages: ask('once'), ...fields });
      await expect(chat({ model: 'gpt-4o' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
      await expect(chat({ temperature: 9 })).rejects.toMatchObject({ status: 400, param: 'temperature' });
      await expect(chat({ messages: ask('once '.repeat(600)) })).rejects.toMatchObject({
        status: 400,
        code: 'context_length_exceeded',
      });
      const wrong = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
      await expect(wrong.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    });

    it('stops generating when the client disconnects', async () => {
      const request = { model: 'endless', messages: ask('on'), max_tokens: 4_000 };
      const stream = await openai.chat.completions.create({ ...request, stream: true });
      for await (const _ of stream) break;
      // By the time of this answer, the server has noticed that the client has left.
      const next = await openai.chat.completions.create({ ...request, max_tokens: 1 });
      expect(next.choices[0]?.finish_reason).toBe('length');
      const host = fixture.host();
      const { stopped } = payloadOf('STOP_GENERATION', await host.request('STOP_GENERATION', { everywhere: true }));
      expect(stopped).toBe(0);
      await host.close();
    });
  });

  it('ranks documents', async () => {
    const response = await fetch(`${server.url}/v1/rerank`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'ranker', query: 'green', documents: ['blue', 'red'], top_n: 1 }),
    });
    expect(await response.json()).toMatchObject({ results: [{ index: 1 }] });
  });

  describe('with the AI SDK', () => {
    const provider = () =>
      createOpenAICompatible({ name: 'tabagent', baseURL: `${server.url}/v1`, apiKey: server.key, includeUsage: true });
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'once' }] }];

    it('generates text, streamed or not', async () => {
      const model = provider().chatModel(STORY);
      const { content, finishReason, usage } = await model.doGenerate({ prompt, temperature: 0 });
      expect([content, finishReason.unified]).toEqual([[{ type: 'text', text: STORY_ANSWER }], 'stop']);
      expect(usage.outputTokens.total).toBeGreaterThan(0);
      const { stream } = await model.doStream({ prompt, temperature: 0 });
      let text = '';
      for await (const part of stream) if (part.type === 'text-delta') text += part.delta;
      expect(text).toBe(STORY_ANSWER);
    });

    it('receives reasoning and tool calls', async () => {
      const { content } = await provider().chatModel('thinking').doGenerate({ prompt, temperature: 0 });
      expect(content).toEqual([
        { type: 'reasoning', text: 'so' },
        { type: 'text', text: 'hello' },
      ]);
      const tools = TOOLS.map(({ function: { name, parameters } }) => ({
        type: 'function' as const,
        name,
        inputSchema: parameters as object,
      }));
      const { stream } = await provider().chatModel('tools').doStream({ prompt, tools, temperature: 0 });
      const calls: unknown[] = [];
      for await (const part of stream)
        if (part.type === 'tool-call') calls.push([part.toolName, JSON.parse(part.input)]);
      expect(calls).toEqual([['get_weather', { town: 'Bern' }]]);
    });

    it('embeds texts', async () => {
      const { embeddings } = await provider()
        .embeddingModel('vectors')
        .doEmbed({ values: ['red'] });
      expect(embeddings[0]).toHaveLength(64);
    });
  });

  it('can be a remote engine of another host', async () => {
    const other = fixture.use(await HostFixture.open());
    const remoteEngines = [{ name: 'served', url: `${server.url}/v1`, keyVariable: 'SERVED_KEY' }];
    await writeFile(join(other.home, 'config.json'), JSON.stringify({ remoteEngines }), { mode: 0o600 });
    const host = other.host({ env: { SERVED_KEY: server.key } });
    const modelId = `remote/served/${STORY}`;
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId }));
    const reply = await host.request('GENERATE', { modelId, messages: ask('once'), settings: { temperature: 0 } });
    expect(payloadOf('GENERATE', reply)).toMatchObject({ output: STORY_ANSWER, finishReason: 'stop' });
    const tools = `remote/served/${FOLDER}/tools.gguf`;
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId: tools }));
    const called = await host.request('GENERATE', { modelId: tools, messages: ask('weather'), tools: TOOLS });
    expect(payloadOf('GENERATE', called).tool_calls?.[0]?.function.name).toBe('get_weather');
    await host.close();
  });

  it('does not log the key', async () => {
    expect(await readFile(join(fixture.home, 'logs', 'host.log'), 'utf8')).not.toContain(server.key);
  });
});
