import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HostError } from '../../../host/common/errors.ts';
import { isLoopback, startServer } from '../../../host/serve/server.ts';
import { KEY, messagesIn, ORIGIN, openServer } from '../../support/serve/open-server.ts';
import { generated, MODEL, ScriptedHost, text } from '../../support/serve/scripted-host.ts';

type Server = Awaited<ReturnType<typeof openServer>>;

const MESSAGES = [{ role: 'user', content: 'Hi' }];

describe('the server', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  const open = async (host = new ScriptedHost()) => {
    const server = await openServer(host);
    servers.push(server);
    return server;
  };

  describe('its callers', () => {
    it('must send the key, except for /health, which has no other information', async () => {
      const server = await open();
      for (const authorization of [undefined, '', 'Bearer', 'Bearer ', `Bearer ${KEY}x`, `Basic ${KEY}`, KEY]) {
        const { status, json, headers } = await server.send('/v1/models', { headers: { authorization } });
        expect([status, json.error.code, headers['www-authenticate']]).toEqual([401, 'invalid_api_key', 'Bearer']);
      }
      expect((await server.send('/v1/models')).status).toBe(200);
      const health = await server.send('/health', { headers: { authorization: undefined } });
      expect(health.json).toEqual({ status: 'ok' });
    });

    it("must send this computer's address and the port in Host", async () => {
      const server = await open();
      for (const name of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', 'LOCALHOST']) {
        const { status } = await server.send('/health', { headers: { host: `${name}:${server.port}` } });
        expect([name, status]).toEqual([name, 200]);
      }
      const others = ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '0.0.0.0', '192.168.1.2'];
      for (const name of others) {
        const answer = await server.send('/health', { headers: { host: `${name}:${server.port}` } });
        expect([name, answer.status, answer.json?.error.code]).toEqual([name, 403, 'host_not_allowed']);
      }
      for (const host of ['localhost', `localhost:${server.port + 1}`, `x@localhost:${server.port}`]) {
        expect([host, (await server.send('/v1/models', { headers: { host } })).status]).not.toEqual([host, 200]);
      }
    });

    it('cannot be web pages of unlisted origins, even with the key', async () => {
      const server = await open();
      for (const origin of [
        'https://evil.example',
        'null',
        `${ORIGIN}.evil.example`,
        `${ORIGIN}:81`,
        'http://localhost',
      ]) {
        for (const method of ['GET', 'OPTIONS']) {
          const { status, headers } = await server.send('/v1/models', { method, headers: { origin } });
          expect([origin, status, headers['access-control-allow-origin']]).toEqual([origin, 403, undefined]);
        }
      }
    });

    it('can be pages of a listed origin, with the key', async () => {
      const server = await open();
      const headers = {
        origin: ORIGIN,
        authorization: undefined,
        'access-control-request-headers': 'authorization,x-stainless-os',
        'access-control-request-private-network': 'true',
      };
      const preflight = await server.send('/v1/chat/completions', { method: 'OPTIONS', headers });
      expect(preflight).toMatchObject({
        status: 204,
        headers: {
          'access-control-allow-origin': ORIGIN,
          'access-control-allow-headers': 'authorization,x-stainless-os',
          'access-control-allow-private-network': 'true',
          vary: 'Origin',
        },
      });
      for (const authorization of [undefined, `Bearer ${KEY}`]) {
        const answer = await server.send('/v1/models', { headers: { origin: ORIGIN, authorization } });
        expect(answer.status).toBe(authorization === undefined ? 401 : 200);
        expect(answer.headers['access-control-allow-origin']).toBe(ORIGIN);
      }
    });

    it('must use a content type that pages cannot send without a preflight request', async () => {
      const server = await open();
      const headers = { 'content-type': 'text/plain' };
      const { status, json } = await server.send('/v1/completions', { headers, body: { prompt: 'x' } });
      expect([status, json.error.code]).toEqual([415, 'unsupported_media_type']);
    });
  });

  describe('its limits', () => {
    it('reject a body that is not a JSON object, nests too deeply, or has too many values', async () => {
      const server = await open();
      const bodies = [
        '',
        '[]',
        '{',
        '"x"',
        `{"a":${'['.repeat(1100)}${']'.repeat(1100)}}`,
        `{"a":[${'0,'.repeat(600_000)}0]}`,
      ];
      for (const body of bodies) {
        const { status, json } = await server.send('/v1/completions', { body });
        expect([status, json.error.code]).toEqual([400, 'invalid_json']);
      }
    });

    it('reject large headers', async () => {
      const server = await open();
      expect((await server.send('/health', { headers: { 'x-large': 'x'.repeat(20_000) } })).status).toBe(431);
    });

    it('reject more than 64 concurrent requests, and accept the next when one has ended', async () => {
      const waiting: (() => void)[] = [];
      const host = new ScriptedHost({
        GENERATE: () => new Promise((resolve) => waiting.push(() => resolve(generated()))),
      });
      const server = await open(host);
      const ask = () => server.send('/v1/completions', { body: { prompt: 'x' } });
      const running = Array.from({ length: 64 }, ask);
      while (waiting.length < 64) await new Promise((resolve) => setImmediate(resolve));
      expect(await ask()).toMatchObject({ status: 429, headers: { 'x-should-retry': 'true' } });
      for (const end of waiting.splice(0)) end();
      for (const answer of await Promise.all(running)) expect(answer.status).toBe(200);
      const next = ask();
      while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
      waiting[0]?.();
      expect((await next).status).toBe(200);
    });

    it('are stopped if their connection closes, also those that wait for the response to an earlier one', async () => {
      const stopped: Promise<void>[] = [];
      const host = new ScriptedHost({
        GENERATE: ({ options }) => {
          if (stopped.length === 64) return generated();
          const { promise, resolve } = Promise.withResolvers<void>();
          stopped.push(promise);
          options.signal?.addEventListener('abort', () => resolve());
          return promise;
        },
      });
      const server = await open(host);
      const socket = connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      const body = JSON.stringify({ prompt: 'x' });
      const head = `POST /v1/completions HTTP/1.1\r\nHost: localhost:${server.port}\r\nAuthorization: Bearer ${KEY}`;
      socket.write(
        `${head}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`.repeat(64),
      );
      while (stopped.length < 64) await new Promise((resolve) => setImmediate(resolve));
      socket.destroy();
      await Promise.all(stopped);
      expect((await server.send('/v1/completions', { body: { prompt: 'x' } })).status).toBe(200);
    });

    it('allow only loopback addresses to listen on', async () => {
      expect(['127.0.0.1', '127.9.9.9', '::1'].map(isLoopback)).toEqual([true, true, true]);
      for (const address of ['0.0.0.0', '::', '192.168.0.1', 'localhost', '127.0.0.1.example', '']) {
        expect([address, isLoopback(address)]).toEqual([address, false]);
      }
      const options = { client: new ScriptedHost(), port: 0, key: KEY, origins: [], keepAlive: 1 };
      const log = { info() {}, warn() {}, error() {} };
      await expect(startServer({ ...options, address: '0.0.0.0', log })).rejects.toThrow(RangeError);
    });

    it('report a port that is in use', async () => {
      const { port } = await open();
      const options = { client: new ScriptedHost(), address: '127.0.0.1', key: KEY, origins: [], keepAlive: 1 };
      const log = { info() {}, warn() {}, error() {} };
      await expect(startServer({ ...options, port, log })).rejects.toMatchObject({
        code: 'SERVE_FAILED',
        message: expect.stringContaining('another program uses it'),
      });
    });
  });

  describe('chat completions', () => {
    it("pass on messages, tools and settings, but no field that gives access to other callers' data", async () => {
      const host = new ScriptedHost({ GENERATE: () => generated({ reasoning: 'Hm' }) });
      const server = await open(host);
      const body = {
        model: MODEL,
        messages: [{ role: 'developer', content: 'Be short' }, ...MESSAGES],
        tools: [{ type: 'function', function: { name: 'f' } }],
        tool_choice: 'auto',
        temperature: 0.5,
        stop: null,
        reasoning_effort: 'minimal',
        repeat_penalty: 1.1,
        response_format: { type: 'json_object' },
        n: 1,
        user: 'me',
        chat_id: 'another conversation',
        requestId: 'x',
        action: 'EXECUTE_COMMAND',
        modelPath: '/etc/passwd',
      };
      const { status, json } = await server.send('/v1/chat/completions', { body });
      expect(status).toBe(200);
      expect(json).toEqual({
        id: expect.stringMatching(/^chatcmpl-/),
        object: 'chat.completion',
        created: expect.any(Number),
        model: MODEL,
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Hello', refusal: null, reasoning_content: 'Hm' },
            finish_reason: 'stop',
            logprobs: null,
          },
        ],
        usage: {
          prompt_tokens: 3,
          completion_tokens: 2,
          total_tokens: 5,
          prompt_tokens_details: { cached_tokens: 1 },
          completion_tokens_details: { reasoning_tokens: 0 },
        },
        ignored: ['user', 'chat_id', 'requestId', 'action', 'modelPath'],
      });
      expect(host.requestsOf('GENERATE')).toEqual([
        {
          modelId: MODEL,
          messages: [{ role: 'system', content: 'Be short' }, ...MESSAGES],
          tools: body.tools,
          tool_choice: 'auto',
          settings: {
            temperature: 0.5,
            reasoning: 'low',
            repetition_penalty: 1.1,
            response_format: { type: 'json_object' },
            max_new_tokens: 512,
          },
        },
      ]);
    });

    it('reject unsupported fields that would change the answer, and values of the wrong type', async () => {
      const server = await open(new ScriptedHost({ GENERATE: () => generated() }));
      const wrong = [
        { n: 2 },
        { logprobs: true },
        { functions: [] },
        { audio: {} },
        { stream: 'yes' },
        { stream_options: { include_usage: 1 } },
        { reasoning_effort: 'constructor' },
        { model: 1 },
        { messages: 'Hi' },
      ];
      for (const fields of wrong) {
        const { status, json } = await server.send('/v1/chat/completions', { body: { messages: MESSAGES, ...fields } });
        expect([fields, status, json.error.param]).toEqual([
          fields,
          400,
          'stream_options' in fields ? 'stream_options.include_usage' : Object.keys(fields)[0],
        ]);
      }
    });

    it('stream text, reasoning and tool calls, then the finish reason and the usage', async () => {
      const call = { modelId: MODEL, index: 0, id: 'c1', name: 'f', arguments: '{}' };
      const host = new ScriptedHost({
        GENERATE: async ({ options: { onEvent } }) => {
          const later = () => new Promise((resolve) => setImmediate(resolve));
          for (const event of [text('', 'Hm'), text('Hel'), text('lo')]) {
            onEvent?.(event);
            await later();
          }
          onEvent?.({ type: 'generationToolCall', payload: call });
          return generated({ finishReason: 'tool_calls' });
        },
      });
      const server = await open(host);
      const body = { messages: MESSAGES, stream: true, stream_options: { include_usage: true }, foo: 1 };
      const answer = await server.send('/v1/chat/completions', { body });
      expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
      expect(answer.text).toMatch(/\n\ndata: \[DONE\]\n\n$/);
      const chunks = messagesIn(answer.text);
      const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }: { delta: object }) => delta));
      expect(deltas[0]).toEqual({ role: 'assistant', content: '' });
      const joined = (key: string) => deltas.map((delta) => delta[key] ?? '').join('');
      expect([joined('content'), joined('reasoning_content')]).toEqual(['Hello', 'Hm']);
      expect(deltas.find((delta) => delta.tool_calls !== undefined).tool_calls).toEqual([
        { index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } },
      ]);
      expect(chunks.at(-2)).toMatchObject({
        choices: [{ finish_reason: 'tool_calls' }],
        usage: null,
        ignored: ['foo'],
      });
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 5 } });
      expect(new Set(chunks.map(({ id, model }) => `${id} ${model}`)).size).toBe(1);
    });

    it('report an error before the first text as a status, and a later one in the stream', async () => {
      let isLate = false;
      const host = new ScriptedHost({
        GENERATE: ({ options }) => {
          if (isLate) options.onEvent?.(text('Hel'));
          throw new HostError('CONTEXT_OVERFLOW', 'Too long');
        },
      });
      const server = await open(host);
      const body = { messages: MESSAGES, stream: true };
      const early = await server.send('/v1/chat/completions', { body });
      expect([early.status, early.json.error.code]).toEqual([400, 'context_length_exceeded']);
      isLate = true;
      const late = await server.send('/v1/chat/completions', { body });
      expect(late.status).toBe(200);
      expect(messagesIn(late.text).at(-1)).toMatchObject({ error: { code: 'context_length_exceeded' } });
      expect(late.text).not.toContain('[DONE]');
    });

    it('abort a generation when its client disconnects, before and after its first text', async () => {
      for (const isStreaming of [false, true]) {
        const aborted = Promise.withResolvers<unknown>();
        const begun = Promise.withResolvers<void>();
        const host = new ScriptedHost({
          GENERATE: ({ options: { signal, onEvent } }) =>
            new Promise((_, reject) => {
              signal?.addEventListener('abort', () => {
                aborted.resolve(signal.reason);
                reject(signal.reason);
              });
              if (isStreaming) onEvent?.(text('Hel'));
              begun.resolve();
            }),
        });
        const server = await open(host);
        const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
        const path = '/v1/chat/completions';
        const sent = request({ host: '127.0.0.1', port: server.port, path, method: 'POST', headers });
        sent.on('error', () => {});
        sent.end(JSON.stringify({ messages: MESSAGES, stream: isStreaming }));
        await begun.promise;
        if (isStreaming) await once(sent, 'response');
        sent.destroy();
        expect(await aborted.promise).toMatchObject({ code: 'ABORTED' });
      }
    });

    it('coalesce text for a client that reads slowly', async () => {
      const pieces = 200_000;
      const host = new ScriptedHost({
        GENERATE: async ({ options: { onEvent } }) => {
          for (let at = 0; at < pieces; at += 1) onEvent?.(text('word '));
          return generated();
        },
      });
      const server = await open(host);
      const answer = await server.send('/v1/chat/completions', { body: { messages: MESSAGES, stream: true } });
      const contents = messagesIn(answer.text).map(({ choices }) => choices[0].delta.content ?? '');
      expect(contents.join('')).toBe('word '.repeat(pieces));
      // Each message by itself would have more than 150 bytes.
      expect(answer.text.length).toBeLessThan(pieces * 10);
    });
  });

  describe('models', () => {
    const DOWNLOADED = [
      { id: 'owner/repo/other-Q4.gguf', repo_id: 'owner/repo', file_path: 'other-Q4.gguf', path: '/secret/place' },
      { id: 'owner/two/same.gguf', repo_id: 'owner/two', file_path: 'same.gguf' },
      { id: 'owner/three/same.gguf', repo_id: 'owner/three', file_path: 'same.gguf' },
    ];
    const downloaded = () => ({ models: DOWNLOADED });

    it('are listed if they are loaded or downloaded, without paths', async () => {
      const server = await open(new ScriptedHost({ GET_DOWNLOADED_MODELS: downloaded }));
      const { text: answer, json } = await server.send('/v1/models');
      expect(answer).not.toContain('secret');
      expect(json.data.map(({ id, loaded }: { id: string; loaded: boolean }) => [id, loaded])).toEqual([
        [MODEL, true],
        ...DOWNLOADED.map(({ id }) => [id, false]),
      ]);
      expect((await server.send(`/v1/models/${encodeURIComponent(MODEL)}`)).json).toEqual({
        id: MODEL,
        object: 'model',
        created: 1000,
        owned_by: 'owner',
        loaded: true,
        capabilities: ['generate'],
        context_length: 512,
      });
      expect((await server.send('/v1/models/none')).status).toBe(404);
    });

    it('are loaded by their short name if they are downloaded, and never downloaded', async () => {
      const host = new ScriptedHost({
        GET_DOWNLOADED_MODELS: downloaded,
        LOAD_MODEL: ({ fields }) => ({ modelId: fields.modelId, contextSize: 0 }),
        GENERATE: () => generated(),
      });
      const server = await open(host);
      const ask = (model: string) => server.send('/v1/completions', { body: { model, prompt: 'x' } });
      expect((await ask('other-q4')).status).toBe(200);
      expect(host.requestsOf('LOAD_MODEL')).toEqual([
        { modelId: 'owner/repo/other-Q4.gguf', keepAlive: 60, reload: false },
      ]);
      // Its context length is unknown, so the host decides.
      expect(host.requestsOf('GENERATE')[0]).toMatchObject({ settings: {} });
      for (const model of ['same', 'owner/repo/none.gguf', 'gpt-4o']) {
        const { status, json } = await ask(model);
        expect([status, json.error.code, json.error.param]).toEqual([404, 'model_not_found', 'model']);
      }
      expect(host.requestsOf('LOAD_MODEL')).toHaveLength(1);
    });

    it('are loaded again if they were unloaded before they were used', async () => {
      let isLoaded = true;
      const host = new ScriptedHost({
        GET_DOWNLOADED_MODELS: () => ({ models: [{ id: MODEL, repo_id: 'owner/repo', file_path: 'model.gguf' }] }),
        LOAD_MODEL: () => {
          isLoaded = true;
          return { modelId: MODEL, contextSize: 0 };
        },
        GENERATE: () => {
          if (host.requestsOf('GENERATE').length > 1) return generated();
          isLoaded = false;
          throw new HostError('MODEL_NOT_LOADED', 'Gone');
        },
      });
      const { GET_LOADED_MODELS: list } = host.scripts;
      host.scripts.GET_LOADED_MODELS = (received) => (isLoaded && list ? list(received) : { models: [] });
      const server = await open(host);
      expect((await server.send('/v1/completions', { body: { model: MODEL, prompt: 'x' } })).status).toBe(200);
      expect(host.requestsOf('LOAD_MODEL')).toHaveLength(1);
    });

    it('are not loaded again for an answer that has already been sent in part', async () => {
      let isLoaded = true;
      const host = new ScriptedHost({
        LOAD_MODEL: () => ({ modelId: MODEL, contextSize: 512 }),
        GENERATE: ({ options }) => {
          options.onEvent?.(text('Once'));
          isLoaded = false;
          throw new HostError('MODEL_NOT_LOADED', 'Unloaded');
        },
      });
      const { GET_LOADED_MODELS: list } = host.scripts;
      host.scripts.GET_LOADED_MODELS = (received) => (isLoaded && list ? list(received) : { models: [] });
      host.scripts.GET_DOWNLOADED_MODELS = () => ({ models: [{ id: MODEL }] });
      const server = await open(host);
      for (const [path, input] of [
        ['chat/completions', { messages: MESSAGES }],
        ['completions', { prompt: 'x' }],
      ] as const) {
        isLoaded = true;
        const answer = await server.send(`/v1/${path}`, { body: { ...input, stream: true } });
        expect(answer.text.split('Once')).toHaveLength(2);
        expect(messagesIn(answer.text).at(-1)).toMatchObject({ error: { code: 'model_not_found' } });
      }
      expect(host.requestsOf('LOAD_MODEL')).toEqual([]);
    });

    it('are reported as missing if none is loaded and a request names none', async () => {
      const none = { GET_LOADED_MODELS: () => ({ models: [] }), GET_CURRENT_MODEL: () => ({ modelId: null }) };
      const server = await open(new ScriptedHost(none));
      const { status, json } = await server.send('/v1/completions', { body: { prompt: 'x' } });
      expect([status, json.error.message]).toEqual([404, expect.stringContaining('No model is loaded')]);
    });
  });

  describe('embeddings', () => {
    it('are collected from all pages, and their number of dimensions is checked', async () => {
      const host = new ScriptedHost({
        GENERATE_EMBEDDINGS: ({ fields: { texts } }) => ({
          embeddings: (texts as string[]).slice(0, 2).map((each) => [each.length]),
          dimensions: 1,
          total_tokens: 2,
        }),
      });
      const server = await open(host);
      const body = { input: ['a', 'bb', 'ccc'], user: 'me' };
      const { json } = await server.send('/v1/embeddings', { body });
      expect(json).toEqual({
        object: 'list',
        data: [1, 2, 3].map((value, index) => ({ object: 'embedding', index, embedding: [value] })),
        model: MODEL,
        usage: { prompt_tokens: 4, total_tokens: 4 },
        ignored: ['user'],
      });
      for (const wrong of [{ dimensions: 2 }, { input: [] }, { input: [[1, 2]] }, { encoding_format: 'int8' }]) {
        const answer = await server.send('/v1/embeddings', { body: { ...body, ...wrong } });
        expect([answer.status, answer.json.error.param]).toEqual([400, Object.keys(wrong)[0]]);
      }
    });
  });

  describe('rerank', () => {
    it('returns the best documents, with their texts on request', async () => {
      const results = [
        { index: 1, score: 0.9 },
        { index: 0, score: 0.1 },
      ];
      const host = new ScriptedHost({ RERANK_DOCUMENTS: () => ({ results, total_tokens: 7 }) });
      const server = await open(host);
      const body = { query: 'q', documents: ['a', { text: 'b' }], top_n: 1, return_documents: true };
      expect((await server.send('/rerank', { body })).json).toEqual({
        object: 'list',
        model: MODEL,
        results: [{ index: 1, relevance_score: 0.9, document: { text: 'b' } }],
        usage: { prompt_tokens: 7, total_tokens: 7 },
      });
      for (const wrong of [{ query: 1 }, { documents: 'a' }, { top_n: 0 }, { return_documents: 1 }]) {
        const answer = await server.send('/v1/rerank', { body: { ...body, ...wrong } });
        expect([answer.status, answer.json.error.param]).toEqual([400, Object.keys(wrong)[0]]);
      }
    });
  });

  it('passes on no message that could contain a path', async () => {
    const host = new ScriptedHost({
      GENERATE: () => {
        throw new HostError('MODEL_REJECTED', '/home/me/model.gguf is broken', { details: { file: '/home/me' } });
      },
    });
    const server = await open(host);
    const { text: answer } = await server.send('/v1/completions', { body: { prompt: 'x' } });
    expect(answer).toContain('model_rejected');
    expect(answer).not.toContain('/home');
    host.scripts.GENERATE = () => {
      throw new Error('/home/me');
    };
    const internal = await server.send('/v1/completions', { body: { prompt: 'x' } });
    expect([internal.status, internal.text.includes('/home')]).toEqual([500, false]);
    expect(JSON.stringify(server.logged)).not.toContain(KEY);
  });

  it('ends requests and connections when it closes', async () => {
    const begun = Promise.withResolvers<void>();
    const host = new ScriptedHost({
      GENERATE: ({ options: { signal } }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          begun.resolve();
        }),
    });
    const server = await openServer(host);
    const idle = connect(server.port, '127.0.0.1');
    await once(idle, 'connect');
    const asked = server.send('/v1/completions', { body: { prompt: 'x' } });
    await begun.promise;
    const idleEnds = once(idle, 'close');
    idle.resume();
    await server.close();
    expect((await asked).status).toBe(503);
    await idleEnds;
  });
});
