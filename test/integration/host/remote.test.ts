import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { ANSWERS, startMock } from '../../support/remote/engine-mock.ts';
import { EngineWithFaults, streamedThen } from '../../support/remote/engine-with-faults.ts';

const KEY = 'sk-only-for-the-mock-0123456789';
const ID = 'remote/mock/gpt-4o';
const LOCAL = 'maker/story/story.gguf';

let workshop: HostFixture;
let mock: Awaited<ReturnType<typeof startMock>>;
beforeEach(async () => {
  workshop = await HostFixture.open();
  mock = workshop.use(await startMock({ keys: [KEY] }));
  configure([{ name: 'mock', url: mock.url }]);
});
afterEach(() => workshop.close());

function configure(remoteEngines: readonly object[]): void {
  writeFileSync(join(workshop.home, 'config.json'), JSON.stringify({ remoteEngines }), { mode: 0o600 });
}

const ask = (content: string) => ({ messages: [{ role: 'user', content }] });

describe('a model of an OpenAI-compatible server (@copilotkit/aimock)', () => {
  it('can be listed, loaded and activated, generates with events, and can be unloaded, like a local model', async () => {
    const host = workshop.host({ env: { HF_ENDPOINT: 'http://127.0.0.1:1' } });
    expect(payloadOf('SET_REMOTE_KEY', await host.request('SET_REMOTE_KEY', { engine: 'mock', key: KEY }))).toEqual({
      engine: 'mock',
      saved: true,
      kept: true,
    });
    const { models } = payloadOf('GET_MODELS_BY_TYPE', await host.request('GET_MODELS_BY_TYPE', { type: 'remote' }));
    expect(models.map(({ id }) => id)).toContain(ID);
    const available = payloadOf('GET_AVAILABLE_MODELS', await host.request('GET_AVAILABLE_MODELS'));
    expect(available.models.find(({ id }) => id === ID)).toMatchObject({ model_type: 'remote', source: 'remote' });

    expect(await host.request('GENERATE', { modelId: ID, ...ask('weather') })).toMatchObject({
      code: 'MODEL_NOT_LOADED',
    });
    const loaded = payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId: ID, loadId: 5 }));
    expect(loaded).toMatchObject({ isReady: true, backend: 'Remote', modelPath: ID, loadedTo: 'REMOTE', ramUsed: 0 });
    const steps = host.received.filter(({ type }) => type === 'modelWorkerLoadingProgress');
    expect(steps.map(({ payload }) => [payload.status, payload.file, payload.loadId])).toEqual([
      ['initiate', ID, 5],
      ['done', ID, 5],
    ]);
    expect(payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS')).models).toMatchObject([
      { model_id: ID, loaded_to: 'REMOTE', config: { model_type: 'remote' } },
    ]);

    const reply = await host.request('GENERATE', { ...ask('the weather?'), chat_id: 'talk' });
    const answer = payloadOf('GENERATE', reply);
    expect(answer).toMatchObject({ output: ANSWERS.weather, finishReason: 'stop', modelId: ID });
    expect(answer.usage.completionTokens).toBeGreaterThan(0);
    expect(answer.usage.promptTokens).toBeGreaterThan(0);
    const events = host.received.filter(({ requestId }) => requestId === reply.requestId);
    const tokens = events.filter(({ type }) => type === 'generationUpdate').map(({ payload }) => payload.token);
    expect(tokens.length).toBeGreaterThan(5);
    expect(tokens.join('')).toBe(ANSWERS.weather);
    expect(events.at(-2)).toMatchObject({ type: 'generationComplete', payload: { output: ANSWERS.weather } });
    const kept = payloadOf('GET_CONVERSATION', await host.request('GET_CONVERSATION', { id: 'talk' }));
    expect(kept.messages.map(({ content }) => content)).toEqual(['the weather?', ANSWERS.weather]);

    expect(await host.request('UNLOAD_MODEL', { modelId: ID })).toMatchObject({ status: 'success' });
    expect(await host.request('GENERATE', ask('weather'))).toMatchObject({ code: 'MODEL_NOT_LOADED' });
    await host.close();
    const log = readFileSync(join(workshop.home, 'logs', 'host.log'), 'utf8');
    expect(log + JSON.stringify(host.received) + host.stderr).not.toContain(KEY);
  });

  it('can be loaded together with a local model, each under its own ID', async () => {
    const folder = join(workshop.home, 'models', 'maker', 'story');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'story.gguf'), markovModel());
    const host = workshop.host({ env: { MOCK_KEY: KEY } });
    configure([{ name: 'mock', url: mock.url, keyVariable: 'MOCK_KEY' }]);
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId: ID }));
    const settings = { n_gpu_layers: 0, n_threads: 1, n_ctx: 128 };
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: LOCAL, settings }));
    const current = async () => payloadOf('GET_CURRENT_MODEL', await host.request('GET_CURRENT_MODEL')).currentModel;
    expect(await current()).toBe(LOCAL);
    const both = payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS')).models;
    expect(both.map(({ model_id }) => model_id).sort()).toEqual([LOCAL, ID].sort());

    payloadOf('SET_ACTIVE_MODEL', await host.request('SET_ACTIVE_MODEL', { modelId: ID }));
    expect(await current()).toBe(ID);
    expect(payloadOf('GENERATE', await host.request('GENERATE', ask('numbers'))).output).toBe(ANSWERS.numbers);
    const local = { modelPath: LOCAL, prompt: 'Once', settings: { max_new_tokens: 2 } };
    expect(payloadOf('GENERATE', await host.request('GENERATE', local)).modelId).toBe(LOCAL);

    payloadOf('UNLOAD_MODEL', await host.request('UNLOAD_MODEL', { modelId: ID }));
    expect(await current()).toBe(LOCAL);
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId: ID }));
    const { unloadedModels } = payloadOf('UNLOAD_ALL_MODELS', await host.request('UNLOAD_ALL_MODELS'));
    expect([...unloadedModels].sort()).toEqual([LOCAL, ID].sort());
    expect(await current()).toBeNull();
  });

  it('embeds texts deterministically', async () => {
    const host = workshop.host({ env: { MOCK_KEY: KEY } });
    configure([{ name: 'mock', url: mock.url, keyVariable: 'MOCK_KEY' }]);
    const model = 'remote/mock/text-embedding-3-small';
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { model }));
    const texts = ['a cat', 'a dog', 'a cat'];
    const { embeddings, dimensions, ...rest } = payloadOf(
      'GENERATE_EMBEDDINGS',
      await host.request('GENERATE_EMBEDDINGS', { texts }),
    );
    expect(rest).toMatchObject({ model });
    expect(dimensions).toBeGreaterThan(100);
    expect(embeddings).toHaveLength(3);
    expect(embeddings[0]).toEqual(embeddings[2]);
    expect(embeddings[0]).not.toEqual(embeddings[1]);
    expect(await host.request('RERANK', { query: 'cat', documents: texts })).toMatchObject({ status: 'error' });
  });

  it('is stopped by STOP_GENERATION, and returns its text so far', async () => {
    const slow = workshop.use(await EngineWithFaults.start());
    slow.next(streamedThen('Sunny', () => {}));
    configure([{ name: 'slow', url: slow.url }]);
    const host = workshop.host();
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId: 'remote/slow/small' }));
    const first = host.next(({ type }) => type === 'generationUpdate');
    const generating = host.request('GENERATE', ask('weather'));
    const { requestId } = await first;
    const stopped = await host.request('STOP_GENERATION', { targetRequestId: requestId });
    expect(payloadOf('STOP_GENERATION', stopped)).toEqual({ stopped: 1, stopped_backends: ['Remote'] });
    expect(payloadOf('GENERATE', await generating)).toMatchObject({ output: 'Sunny', finishReason: 'stopped' });
    expect(host.received.some(({ type }) => type === 'generationStopped')).toBe(true);
    await slow.clientLeft.promise;
  });

  it('is rejected without its key, with a hint how to set it', async () => {
    const host = workshop.host();
    const refused = await host.request('LOAD_MODEL', { modelId: ID });
    expect(refused).toMatchObject({ code: 'UNAUTHORIZED', message: expect.stringContaining('requires an API key') });
    payloadOf('SET_REMOTE_KEY', await host.request('SET_REMOTE_KEY', { engine: 'mock', key: 'sk-wrong' }));
    expect(await host.request('LOAD_MODEL', { modelId: ID })).toMatchObject({ code: 'UNAUTHORIZED' });
    const { engines } = payloadOf('LIST_REMOTE_ENGINES', await host.request('LIST_REMOTE_ENGINES'));
    expect(engines).toMatchObject([
      { name: 'mock', url: mock.url, key_source: 'SET_REMOTE_KEY', answers: false, error: { code: 'UNAUTHORIZED' } },
    ]);
    payloadOf('CLEAR_REMOTE_KEY', await host.request('CLEAR_REMOTE_KEY', { engine: 'mock' }));
    expect(readFileSync(join(workshop.home, 'secrets.json'), 'utf8')).not.toContain('sk-wrong');
  });
});

describe('a message', () => {
  it('cannot specify a URL, and never contains a key', async () => {
    const host = workshop.host();
    const load = await host.request('LOAD_MODEL', { modelId: 'remote/evil/gpt-4o', url: mock.url, endpoint: mock.url });
    expect(load).toMatchObject({ code: 'REMOTE_NOT_CONFIGURED' });
    expect(await host.request('SET_REMOTE_KEY', { engine: 'evil', key: KEY })).toMatchObject({
      code: 'REMOTE_NOT_CONFIGURED',
    });
    const spaced = await host.request('SET_REMOTE_KEY', { engine: 'mock', key: 'sk-has a space' });
    expect(spaced).toMatchObject({ code: 'INVALID_REQUEST', details: { field: 'key' } });
    expect(JSON.stringify(spaced)).not.toContain('sk-has');
    for (const modelId of [
      'remote/',
      'remote/mock',
      'remote/mock/',
      'remote/../x',
      'remote/Mock/x',
      'remote/mock/a\nb',
    ]) {
      expect(await host.request('LOAD_MODEL', { modelId })).toMatchObject({ code: 'INVALID_REQUEST' });
    }
  });
});
