import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { GenerationProgress } from '../../../host/models/generation.ts';
import {
  EngineWithFaults,
  event,
  json,
  startStream,
  streamed,
  streamedThen,
} from '../../support/remote/engine-with-faults.ts';
import { generateRequest, type OpenRemote, openRemote } from '../../support/remote/open-remote.ts';

const ID = 'remote/far/small';
const KEY = 'sk-very-secret-1234567890';

let engine: EngineWithFaults;
let remote: OpenRemote;
beforeEach(async () => {
  engine = await EngineWithFaults.start();
  remote = openRemote({ FAR_KEY: KEY });
  remote.configure([{ name: 'far', url: engine.url, keyVariable: 'FAR_KEY' }]);
});
afterEach(async () => {
  // Whatever failed, the key was sent only to the engine.
  expect(JSON.stringify(remote.log.lines)).not.toContain(KEY);
  await remote.close();
  await engine.close();
});

/** Loads the model and generates. Returns the result and the events. */
async function generate(order = generateRequest()) {
  await remote.load(ID);
  const told: string[] = [];
  const onProgress = (progress: GenerationProgress) => {
    if (progress.type === 'text') told.push(progress.text);
  };
  const result = remote.models.generate(ID, order, { onProgress });
  return { told, result };
}

/** Returns the error of a generation, as in a reply. */
async function faultOf(order = generateRequest()) {
  const { told, result } = await generate(order);
  const error = await result.then(
    () => undefined,
    (fault: unknown) => fault,
  );
  expect(JSON.stringify(error)).not.toContain(KEY);
  expect(String((error as Error).message)).not.toContain(KEY);
  expect((error as Error).cause).toBeUndefined();
  return { told, error };
}

describe('a faulty answer', () => {
  it('fails with REMOTE_CUT if the connection breaks midway, and is not retried', async () => {
    engine.next(streamedThen('Once upon', (response) => response.destroy()));
    const { told, error } = await faultOf();
    expect(error).toMatchObject({ code: 'REMOTE_CUT', details: { engine: 'far', pieces: 1 } });
    expect(told).toEqual(['Once upon']);
    expect(engine.generations).toHaveLength(1);
  });

  it('fails with REMOTE_CUT if it ends without a finish reason', async () => {
    engine.next(streamedThen('Once upon', (response) => response.end()));
    expect((await faultOf()).error).toMatchObject({ code: 'REMOTE_CUT' });
  });

  it('is retried if it breaks before any text', async () => {
    engine.next(
      (response) => void response.destroy(),
      streamedThen('', (response) => response.destroy()),
      streamed(['Well.']),
    );
    const { result } = await generate();
    expect(await result).toMatchObject({ text: 'Well.', finishReason: 'stop' });
    expect(engine.generations).toHaveLength(3);
  });

  it.each([
    ['is no JSON', 'data: {"choices": [\n\n'],
    ['is JSON of another kind', 'data: {"choices": "none"}\n\n'],
    ['is a number', 'data: 7\n\n'],
  ])('fails with REMOTE_ERROR if an event %s', async (_what, sent) => {
    engine.next(streamedThen('Once', (response) => void response.end(sent)));
    expect((await faultOf()).error).toMatchObject({ code: 'REMOTE_ERROR', details: { engine: 'far' } });
  });

  it('fails with REMOTE_ERROR if it is a page instead of a stream', async () => {
    engine.next((response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html>');
    });
    expect((await faultOf()).error).toMatchObject({ code: 'REMOTE_ERROR' });
  });

  it('fails with REMOTE_ERROR if an event never ends, long before memory is full', async () => {
    engine.next((response) => {
      startStream(response);
      const line = `data: ${'x'.repeat(64 * 1024)}`;
      const more = () => {
        while (!response.destroyed && response.write(line));
      };
      response.on('drain', more);
      more();
    });
    expect((await faultOf()).error).toMatchObject({ code: 'REMOTE_ERROR' });
  });

  it('is cut off as too long if it never ends', async () => {
    engine.next((response, asked) => {
      startStream(response);
      const piece = event('y'.repeat(8192), asked);
      const more = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', more);
      more();
    });
    const { result } = await generate();
    const { text, finishReason } = await result;
    expect(finishReason).toBe('length');
    expect(text.length).toBeGreaterThanOrEqual(320 * 1024);
    expect(text.length).toBeLessThan(340 * 1024);
    await engine.clientLeft.promise;
  });

  it("fails midway with the engine's error message, without the key", async () => {
    const sent = `data: ${JSON.stringify({ error: { message: `out of memory for ${KEY}\u0000` } })}\n\n`;
    engine.next(streamedThen('Once', (response) => void response.end(sent)));
    const { error } = await faultOf();
    expect(error).toMatchObject({
      code: 'GENERATION_FAILED',
      message: expect.stringContaining('out of memory for [the key]'),
    });
  });

  it('times out if no text arrives, and is not retried', async () => {
    remote.configure([{ name: 'far', url: engine.url, firstTextSeconds: 0.1 }]);
    engine.next((response) => startStream(response));
    expect((await faultOf()).error).toMatchObject({ code: 'REMOTE_UNREACHABLE', details: { timeoutSeconds: 0.1 } });
    expect(engine.generations).toHaveLength(1);
    await engine.clientLeft.promise;
  });

  it('times out if it stalls midway', async () => {
    remote.configure([{ name: 'far', url: engine.url, idleSeconds: 0.1 }]);
    engine.next(streamedThen('Once', () => {}));
    const { told, error } = await faultOf();
    expect(error).toMatchObject({ code: 'REMOTE_CUT', details: { pieces: 1 } });
    expect(told).toEqual(['Once']);
    await engine.clientLeft.promise;
  });
});

describe('an error response', () => {
  it('about the key is UNAUTHORIZED, without the text that may contain the key', async () => {
    engine.next(json(401, { error: { message: `Incorrect API key provided: ${KEY}` } }));
    const { error } = await faultOf();
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', details: { engine: 'far', status: 401 } });
    expect((error as Error).message).not.toContain('sk-');
    expect(engine.generations).toHaveLength(1);
  });

  it('is retried after the delay that the engine requests, if it is short', async () => {
    engine.next(
      json(429, {}, { 'retry-after': '0' }),
      json(503, { error: { message: 'Loading model' } }),
      streamed(['Now.']),
    );
    const { result } = await generate();
    expect(await result).toMatchObject({ text: 'Now.' });
    expect(engine.generations).toHaveLength(3);
  });

  it('is RATE_LIMITED immediately if the engine requests a long delay', async () => {
    engine.next(json(429, { error: { message: 'Slow down' } }, { 'retry-after': '3600' }));
    expect((await faultOf()).error).toMatchObject({
      code: 'RATE_LIMITED',
      details: { status: 429, retryAfterSeconds: 3600 },
      message: expect.stringContaining('Slow down'),
    });
    expect(engine.generations).toHaveLength(1);
  });

  it('is RATE_LIMITED after three attempts, or after one if the quota is used up', async () => {
    engine.next(json(429, {}));
    expect((await faultOf()).error).toMatchObject({ code: 'RATE_LIMITED' });
    expect(engine.generations).toHaveLength(3);
    engine.next(json(429, { error: { code: 'insufficient_quota', message: 'Pay first' } }));
    expect((await faultOf()).error).toMatchObject({ code: 'RATE_LIMITED' });
    expect(engine.generations).toHaveLength(4);
  });

  it.each([
    [400, { error: { code: 'context_length_exceeded', message: 'Too long' } }, 'CONTEXT_OVERFLOW'],
    [400, { error: { type: 'exceed_context_size_error', message: 'Too long' } }, 'CONTEXT_OVERFLOW'],
    [422, { error: { message: 'temperature: at most 2' } }, 'INVALID_REQUEST'],
    [500, { error: 'it burns' }, 'REMOTE_ERROR'],
    [418, [], 'REMOTE_ERROR'],
  ])('with status %i and %j is %s', async (status, body, code) => {
    engine.next(json(status, body));
    expect((await faultOf()).error).toMatchObject({ code, details: { engine: 'far', status } });
    expect(engine.generations).toHaveLength(1);
  });

  it('that redirects is not followed, so that the key is not sent elsewhere', async () => {
    const elsewhere = await EngineWithFaults.start();
    try {
      engine.next(json(307, {}, { location: `${elsewhere.url}/chat/completions` }));
      expect((await faultOf()).error).toMatchObject({ code: 'REDIRECT_REFUSED' });
      engine.setModelList(json(302, {}, { location: `${elsewhere.url}/models` }));
      await expect(remote.load(ID)).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });
});

describe('a remote model', () => {
  it('that disappears is no longer loaded', async () => {
    const { result } = await generate();
    await result;
    const changes: string[] = [];
    remote.models.onChange(({ type, id }) => changes.push(`${type} ${id}`));
    engine.models = ['other'];
    engine.next(json(404, { error: { message: 'model not found' } }));
    await expect(remote.models.generate(ID, generateRequest())).rejects.toMatchObject({
      code: 'MODEL_NOT_LOADED',
      details: { modelId: ID },
    });
    expect(remote.models.list()).toEqual([]);
    expect(remote.models.activeId).toBeNull();
    expect(changes).toEqual([`lost ${ID}`]);
    await expect(remote.load(ID)).rejects.toMatchObject({ code: 'REMOTE_MODEL_NOT_FOUND' });
  });

  it('stays loaded if the engine does not know the requested path', async () => {
    engine.next(json(404, { error: { message: 'Not found' } }));
    expect((await faultOf(generateRequest({ input: { prompt: 'Once' } }))).error).toMatchObject({
      code: 'REMOTE_ERROR',
    });
    expect(remote.models.list()).toMatchObject([{ id: ID }]);
  });

  it('works again after its engine was restarted, without another load', async () => {
    const { result } = await generate();
    await result;
    const { port } = engine;
    await engine.close();
    await expect(remote.models.generate(ID, generateRequest())).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      message: expect.stringContaining('Check that it is running'),
    });
    engine = await EngineWithFaults.start(port);
    engine.next(streamed(['Back.']));
    expect(await remote.models.generate(ID, generateRequest())).toMatchObject({ text: 'Back.' });
  });

  it('of an engine that is not configured is rejected before anything is sent', async () => {
    await expect(remote.load('remote/near/small')).rejects.toMatchObject({
      code: 'REMOTE_NOT_CONFIGURED',
      details: { expected: ['far'] },
    });
    expect(engine.requests).toEqual([]);
  });

  it('fails with MODEL_NOT_LOADED if it is unloaded while it generates', async () => {
    await remote.load(ID);
    engine.next(streamedThen('Once', () => void remote.models.unload(ID)));
    await expect(remote.models.generate(ID, generateRequest())).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' });
    await engine.clientLeft.promise;
  });

  it('stops on request, returns its text so far, and closes the connection', async () => {
    await remote.load(ID);
    engine.next(streamedThen('Once', () => {}));
    const running = remote.models.generate(ID, generateRequest(), {
      tag: 'mine',
      onProgress: () => {
        expect(remote.models.stopGenerations({ tag: 'another' })).toEqual([]);
        expect(remote.models.stopGenerations({ tag: 'mine' })).toMatchObject([{ count: 1 }]);
      },
    });
    expect(await running).toMatchObject({ text: 'Once', finishReason: 'stopped' });
    await engine.clientLeft.promise;
  });

  it('rejects with the reason of a cancelled request', async () => {
    await remote.load(ID);
    engine.next(streamedThen('Once', () => {}));
    const gone = new AbortController();
    const reason = new Error('gone');
    const running = remote.models.generate(ID, generateRequest(), {
      signal: gone.signal,
      onProgress: () => gone.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    await engine.clientLeft.promise;
  });
});

describe('a request to an engine', () => {
  it('has OpenAI’s fields, and additional ones if the engine accepts them', async () => {
    const order = generateRequest({ stop: ['END'], constraint: { jsonSchema: { type: 'object' } } });
    await (await generate(order)).result;
    expect(engine.generations.at(-1)).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${KEY}`, accept: 'text/event-stream' },
      body: {
        model: 'small',
        messages: [{ role: 'user', content: 'hello' }],
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 32,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 20,
        min_p: 0.05,
        repeat_penalty: 1.1,
        repetition_penalty: 1.1,
        seed: 7,
        stop: ['END'],
        response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' }, strict: true } },
      },
    });
    remote.configure([{ name: 'far', url: engine.url, moreSettings: false }]);
    await (await generate()).result;
    const { body, headers } = engine.generations.at(-1) ?? { body: undefined, headers: {} };
    expect(Object.keys(body).sort()).toEqual(
      ['max_tokens', 'messages', 'model', 'seed', 'stream', 'stream_options', 'temperature', 'top_p'].sort(),
    );
    expect(headers).not.toHaveProperty('authorization');
  });

  it('is a plain prompt to /completions', async () => {
    engine.next(streamed(['there', ' was'], { finish: 'length', usage: { prompt_tokens: 4, completion_tokens: 9 } }));
    const { result, told } = await generate(generateRequest({ input: { prompt: 'Once upon a time' } }));
    expect(await result).toMatchObject({
      text: 'there was',
      finishReason: 'length',
      usage: { promptTokens: 4, cachedPromptTokens: 0, completionTokens: 9 },
    });
    expect(told).toEqual(['there', ' was']);
    expect(engine.generations.at(-1)).toMatchObject({ path: '/v1/completions', body: { prompt: 'Once upon a time' } });
  });

  it.each([
    [{ grammar: 'root ::= "a"' }, 'settings.grammar'],
    [{ regex: 'a' }, 'settings.regex'],
    [{ json: true as const, prefix: '{' }, 'settings.constraint_prefix'],
  ])('cannot contain %j, which most engines would ignore', async (constraint, field) => {
    const { error } = await faultOf(generateRequest({ constraint }));
    expect(error).toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
    expect(engine.generations).toEqual([]);
  });

  it('is decoded correctly if a character is split across two events', async () => {
    engine.next(streamed(['a \ud83d', '\ude00 b \ud83d', 'c']));
    const { result, told } = await generate();
    expect((await result).text).toBe('a 😀 b \ufffdc');
    expect(told.every((text) => text.isWellFormed())).toBe(true);
  });

  it.each([
    ['length', 'a b'],
    ['stop', 'a b\ufffd\ufffd'],
  ])('that ends with %s in what an engine sends for a cut character is %j', async (finish_reason, text) => {
    engine.next((response) => {
      startStream(response);
      const send = (delta: object, finish: string | null) =>
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
      send({ content: 'a b\ufffd' }, null);
      send({ content: '\ufffd' }, null);
      send({}, finish_reason);
      response.end('data: [DONE]\n\n');
    });
    const { result, told } = await generate();
    expect((await result).text).toBe(text);
    expect(told.join('')).toBe(text);
  });
});

describe('the connection to an engine', () => {
  it('uses the proxy in the environment, except for this machine and private networks', async () => {
    const asked: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.headers.host} ${request.url} ${request.headers.authorization}`);
      response.end(JSON.stringify({ data: [{ id: 'small' }] }));
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const behind = openRemote({ HTTP_PROXY: `http://127.0.0.1:${port}`, FAR_KEY: KEY });
    try {
      behind.configure([
        { name: 'near', url: engine.url },
        { name: 'far', url: 'http://engine.invalid/v1', plainHttp: true, keyVariable: 'FAR_KEY' },
      ]);
      await behind.load('remote/near/small');
      expect(asked).toEqual([]);
      await behind.load('remote/far/small');
      expect(asked).toEqual([`engine.invalid http://engine.invalid/v1/models Bearer ${KEY}`]);
    } finally {
      await behind.close();
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it('uses a saved key, but prefers the environment variable', async () => {
    await remote.secrets.set('remote-key:far', 'sk-kept');
    await remote.load(ID);
    expect(engine.requests.at(-1)?.headers.authorization).toBe(`Bearer ${KEY}`);
    remote.configure([{ name: 'far', url: engine.url }]);
    await remote.load(ID);
    expect(engine.requests.at(-1)?.headers.authorization).toBe('Bearer sk-kept');
  });
});

describe('the list of remote models', () => {
  it('contains the models of all engines that respond', async () => {
    engine.models = ['small', 'group/large:8b', 'with a space', ''];
    remote.configure([
      { name: 'far', url: engine.url },
      { name: 'dead', url: 'http://127.0.0.1:1/v1' },
      { name: 'bad', url: 'http://example.com/v1' },
      { name: 'asleep', url: 'http://127.0.0.1:1/v1', models: ['dozing'] },
    ]);
    expect((await remote.offered.list()).map(({ name }) => name.id)).toEqual([
      'remote/far/small',
      'remote/far/group/large:8b',
      'remote/asleep/dozing',
    ]);
  });

  it('does not wait for a keychain that prompts for a password', async () => {
    const asking = { get: () => new Promise<never>(() => {}), set: async () => {}, delete: async () => {} };
    const locked = openRemote({}, asking);
    try {
      await locked.secrets.set('remote-key:far', 'sk-kept');
      locked.configure([
        { name: 'far', url: engine.url },
        { name: 'near', url: engine.url },
      ]);
      expect((await locked.offered.list()).map(({ name }) => name.id)).toEqual(['remote/near/small']);
      expect(engine.requests).toHaveLength(1);
    } finally {
      locked.close();
    }
  });

  it('has the additional fields of llama-server and vLLM', async () => {
    engine.setModelList(
      json(200, {
        data: [
          { id: 'small', meta: { n_ctx_train: 4096, n_vocab: 32000, n_embd: 2048, size: 638 } },
          { id: 'long', max_model_len: 131072, meta: 'nothing' },
          { no: 'model' },
        ],
      }),
    );
    expect(await remote.load(ID)).toMatchObject({
      contextSize: 4096,
      vocabSize: 32000,
      embeddingDim: 2048,
      fileSize: 638,
      loadedTo: 'REMOTE',
      modelType: 'remote',
    });
    expect(await remote.load('remote/far/long')).toMatchObject({
      contextSize: 131072,
      vocabSize: 0,
    });
  });
});

describe('embeddings', () => {
  const texts = ['one', 'two', 'three'].map((text, i) => ({ name: `texts.${i}`, text }));
  const embed = async (signal?: AbortSignal) => {
    await remote.load(ID);
    return remote.models.embed(ID, { texts, truncate: false }, signal);
  };
  const vector = (index: number, embedding: unknown = [index, 0.5]) => ({ object: 'embedding', index, embedding });

  it('are returned in the order of the texts, whatever order the engine sends them in', async () => {
    engine.next(json(200, { data: [vector(2), vector(0), vector(1)], usage: { prompt_tokens: 8 } }));
    const embedded = await embed();
    expect(embedded.map(({ vector: [first] }) => first)).toEqual([0, 1, 2]);
    expect(embedded.map(({ tokens }) => tokens)).toEqual([4, 2, 2]);
    expect(engine.generations.at(-1)).toMatchObject({
      path: '/v1/embeddings',
      body: { model: 'small', input: ['one', 'two', 'three'], encoding_format: 'float' },
    });
  });

  it.each([
    ['one is missing', [vector(0), vector(1)]],
    ['one is there twice', [vector(0), vector(1), vector(1)]],
    ['one is too many', [vector(0), vector(1), vector(2), vector(3)]],
    ['one is shorter', [vector(0), vector(1), vector(2, [1])]],
    ['one is empty', [vector(0, []), vector(1, []), vector(2, [])]],
    ['one is no list of numbers', [vector(0), vector(1), vector(2, ['a', 'b'])]],
  ])('fail with REMOTE_ERROR if %s', async (_what, data) => {
    engine.next(json(200, { data }));
    await expect(embed()).rejects.toMatchObject({ code: 'REMOTE_ERROR' });
  });

  it('are retried if the response is cut off, and cancelled with their caller', async () => {
    const cut: Parameters<typeof engine.next>[0] = (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"data": [', () => response.destroy());
    };
    engine.next(cut, json(200, { data: [vector(0), vector(1), vector(2)] }));
    expect(await embed()).toHaveLength(3);
    const gone = new AbortController();
    const reason = new Error('gone');
    engine.next(() => gone.abort(reason));
    await expect(embed(gone.signal)).rejects.toBe(reason);
  });
});
