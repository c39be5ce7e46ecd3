import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-Q4_K_M.gguf';
const ID = `${REPO}/${FILE}`;
const BY_FILE = { modelPath: REPO, modelFile: FILE };

let fixture: HostFixture;
let hub: TestHub;
let host: HostProcess;
beforeEach(async () => {
  fixture = await HostFixture.open();
  hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel({ chain: ENDLESS }) } } } }));
  host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  await host.request('GET_LOADED_MODELS');
});
afterEach(() => fixture.close());

function replyTo(requestId: string) {
  return host.next((message) => message.requestId === requestId && message.status !== undefined);
}

describe('a pending load', () => {
  it.each([
    ['UNLOAD_MODEL', BY_FILE],
    ['UNLOAD_MODEL', { modelId: ID }],
    ['UNLOAD_MODEL', { modelPath: `${REPO}:q4_k_m` }],
    ['UNLOAD_MODEL', { modelPath: REPO }],
    ['UNLOAD_MODEL', { targetRequestId: 'load' }],
    ['UNLOAD_ALL_MODELS', {}],
  ] as const)('is cancelled by %s %j, also while its files are being downloaded', async (action, unload) => {
    hub.fault({ kind: 'stall', after: 0, match: ({ server }) => server === 'cdn' });
    const load = replyTo('load');
    host.send({ action: 'LOAD_MODEL', requestId: 'load', ...BY_FILE });
    const reply = await host.request(action, unload);
    expect(reply).toMatchObject({ status: 'success' });
    if (action === 'UNLOAD_MODEL') expect(reply).toMatchObject({ payload: { modelId: ID, wasLoaded: false } });
    expect(await load).toMatchObject({ status: 'error', code: 'CANCELLED' });
    expect(await host.request('GET_LOADED_MODELS')).toMatchObject({ payload: { models: [] } });
  });

  it('of another model is not affected', async () => {
    const load = host.request('LOAD_MODEL', BY_FILE);
    expect(await host.request('UNLOAD_MODEL', { modelPath: REPO, modelFile: 'other.gguf' })).toMatchObject({
      code: 'MODEL_NOT_LOADED',
    });
    expect(await host.request('UNLOAD_MODEL', { targetRequestId: 'none' })).toMatchObject({ code: 'MODEL_NOT_LOADED' });
    expect(await load).toMatchObject({ status: 'success' });
    expect(await host.request('UNLOAD_MODEL', { modelPath: REPO })).toMatchObject({
      payload: { modelId: ID, wasLoaded: true },
    });
  });
});

describe('the load settings that are saved for a model', () => {
  const save = (load: object) => host.request('SET_MODEL_SETTINGS', { modelId: ID, settings: { load } });

  it('are used unless a request overrides them, and do not reload a loaded model', async () => {
    expect(await save({ n_ctx: 512, n_threads: 1 })).toMatchObject({ status: 'success' });
    expect(await host.request('LOAD_MODEL', BY_FILE)).toMatchObject({ payload: { contextSize: 512 } });
    await save({ n_ctx: 1024 });
    expect(await host.request('LOAD_MODEL', BY_FILE)).toMatchObject({
      payload: { contextSize: 512, alreadyLoaded: true },
    });
    await host.request('UNLOAD_MODEL', { modelId: ID });
    expect(await host.request('LOAD_MODEL', { ...BY_FILE, n_ctx: 256 })).toMatchObject({
      payload: { contextSize: 256 },
    });
    await host.request('UNLOAD_MODEL', { modelId: ID });
    expect(await host.request('LOAD_MODEL', BY_FILE)).toMatchObject({ payload: { contextSize: 1024 } });
  });

  it.each([
    ['load.n_ctx', { load: { n_ctx: 0 } }],
    ['load.force', { load: { force: true } }],
    ['generation.warmth', { generation: { warmth: 1 } }],
    ['prompt', { prompt: 'Be brief.' }],
  ])('are rejected with an invalid or unknown %s', async (field, settings) => {
    expect(await host.request('SET_MODEL_SETTINGS', { modelId: ID, settings })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: `settings.${field}` },
    });
    expect(await host.request('GET_MODEL_SETTINGS', { modelId: ID })).toMatchObject({ payload: { settings: {} } });
  });

  it('are rejected for a remote model', async () => {
    const settings = { load: { n_ctx: 512 } };
    expect(await host.request('SET_MODEL_SETTINGS', { modelId: 'remote/engine/model', settings })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'settings.load' },
    });
  });
});

describe('a load with settings that differ from those of the loaded model', () => {
  it('loads it again, or reports what differs', async () => {
    const load = (more: object) => host.request('LOAD_MODEL', { ...BY_FILE, ...more });
    expect(await load({ n_ctx: 256 })).toMatchObject({ payload: { alreadyLoaded: false, contextSize: 256 } });
    expect(await load({})).toMatchObject({ payload: { alreadyLoaded: true, contextSize: 256 } });
    expect(await load({ n_gpu_layers: -1, settings: { use_mmap: true } })).toMatchObject({
      payload: { alreadyLoaded: true },
    });
    expect(await load({ n_ctx: 512, reload: false })).toMatchObject({
      payload: { alreadyLoaded: true, contextSize: 256, differences: { n_ctx: { loaded: 256, requested: 512 } } },
    });
    expect(await load({ settings: { n_ctx: 512 } })).toMatchObject({
      payload: { alreadyLoaded: false, contextSize: 512 },
    });
    const { payload } = await load({ n_ctx: 1024 });
    expect(payload).toMatchObject({
      alreadyLoaded: false,
      contextSize: 1024,
      warnings: [expect.stringContaining('exceeds the 512 tokens')],
    });
  });
});

describe('a load with settings with which the loaded model cannot be loaded', () => {
  const load = (settings: object) => host.request('LOAD_MODEL', { ...BY_FILE, settings });

  it('replies with the reason, and the model and its generations continue', async () => {
    await load({ n_ctx: 512 });
    const first = host.next(({ type }) => type === 'generationUpdate');
    const generation = replyTo('generate');
    const settings = { temperature: 0, max_new_tokens: 400 };
    host.send({ action: 'GENERATE', requestId: 'generate', prompt: '', settings });
    await first;
    const others: [object, object][] = [
      [{ n_ctx: 16_777_216 }, { code: 'INSUFFICIENT_MEMORY' }],
      [
        { flash_attn: false, cache_type_v: 'q8_0' },
        { code: 'INVALID_REQUEST', details: { field: 'settings.cache_type_v' } },
      ],
      [{ devices: ['GPU 7'] }, { code: 'INVALID_REQUEST', details: { field: 'devices' } }],
      [{ lora: [{ id: `${REPO}/adapter.gguf` }] }, { code: 'MODEL_NOT_DOWNLOADED' }],
    ];
    for (const [other, error] of others) {
      const reply = await load(other);
      expect([other, reply]).toMatchObject([other, { status: 'error', ...error }]);
      expect(reply.details).not.toHaveProperty('isLoaded');
    }
    expect(await load({ n_ctx: 512 })).toMatchObject({ payload: { alreadyLoaded: true, contextSize: 512 } });
    expect(await generation).toMatchObject({ payload: { numTokens: 400 } });
  });

  it('after its file was damaged, keeps the loaded model', async () => {
    await load({ n_ctx: 512 });
    const file = join(fixture.home, 'models', REPO, FILE);
    // Its data stays mapped: another file gets its name.
    await rm(file);
    await writeFile(file, 'GGUF, but damaged');
    expect(await load({ n_ctx: 256 })).toMatchObject({ status: 'error', code: 'MODEL_REJECTED' });
    const reply = await host.request('GENERATE', { prompt: '', settings: { max_new_tokens: 2 } });
    expect(reply).toMatchObject({ status: 'success' });
  });
});

describe('loads of one model with different settings', () => {
  const load = (more: object, by = host) => by.request('LOAD_MODEL', { ...BY_FILE, ...more });

  it('at the same time each reply with what they asked for, and the last one stays', async () => {
    await load({ n_ctx: 256 });
    const sizes = [512, 1024, 256, 2048];
    const replies = await Promise.all(sizes.map((n_ctx) => load({ n_ctx })));
    expect(replies.map(({ payload }) => payload.contextSize)).toEqual(sizes);
    const asked = await load({ n_ctx: 512, reload: false });
    const { models } = (await host.request('GET_LOADED_MODELS')).payload;
    expect(models).toHaveLength(1);
    expect(sizes).toContain(models[0].config.context_size);
    expect(asked.payload.contextSize).toBe(models[0].config.context_size);
  });

  it('while it is loaded for the first time', async () => {
    const [first, second, third] = await Promise.all([
      load({ n_ctx: 256 }),
      load({ n_ctx: 512 }),
      load({ reload: false }),
    ]);
    expect([first.payload.contextSize, second.payload.contextSize]).toEqual([256, 512]);
    expect(third).toMatchObject({ status: 'success' });
  });

  it('end its generations', async () => {
    await load({ n_ctx: 512 });
    const first = host.next(({ type }) => type === 'generationUpdate');
    const generation = replyTo('generate');
    const settings = { temperature: 0, max_new_tokens: 400 };
    host.send({ action: 'GENERATE', requestId: 'generate', prompt: '', settings, chat_id: 'chat' });
    await first;
    expect(await load({ n_ctx: 256 })).toMatchObject({ payload: { alreadyLoaded: false, contextSize: 256 } });
    expect(await generation).toMatchObject({ code: 'MODEL_NOT_LOADED' });
    const again = await host.request('GENERATE', { chat_id: 'chat', message: 'on', settings: { max_new_tokens: 2 } });
    expect(again).toMatchObject({ status: 'success' });
  });

  it('by two hosts give each its own copy', async () => {
    const other = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    const [one, two] = await Promise.all([load({ n_ctx: 256 }), load({ n_ctx: 512 }, other)]);
    expect([one.payload.contextSize, two.payload.contextSize]).toEqual([256, 512]);
    expect(await load({ n_ctx: 512, reload: false }, other)).toMatchObject({ payload: { contextSize: 512 } });
    expect(await load({ n_ctx: 256 })).toMatchObject({ payload: { alreadyLoaded: true, contextSize: 256 } });
    for (const by of [host, other]) {
      const generated = by.request('GENERATE', { prompt: '', settings: { max_new_tokens: 2 } });
      expect(await generated).toMatchObject({ status: 'success' });
    }
  });
});

describe('a load without flash attention, with direct I/O', () => {
  it('generates the same text', async () => {
    const generate = async () =>
      (await host.request('GENERATE', { prompt: '', settings: { do_sample: false, max_new_tokens: 20 } })).payload
        .output;
    const load = (settings: object) => host.request('LOAD_MODEL', { ...BY_FILE, n_ctx: 512, settings });
    await load({});
    const text = await generate();
    expect(await load({ flash_attn: true })).toMatchObject({ payload: { alreadyLoaded: true } });
    const other = { flash_attn: false, use_direct_io: true };
    expect(await load(other)).toMatchObject({ payload: { alreadyLoaded: false } });
    expect(await generate()).toBe(text);
    expect(await load(other)).toMatchObject({ payload: { alreadyLoaded: true } });
    expect(await load({ flash_attn: true, cache_type_v: 'q8_0' })).toMatchObject({
      payload: { alreadyLoaded: false },
    });
  });

  it('is rejected with quantized values', async () => {
    const settings = { flash_attn: false, cache_type_v: 'q8_0' };
    expect(await host.request('LOAD_MODEL', { ...BY_FILE, settings })).toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringMatching(/without flash attention, which is turned off/),
      details: { field: 'settings.cache_type_v' },
    });
  });
});

describe('a stop directly after its generation', () => {
  const settings = { temperature: 0, max_new_tokens: 400 };
  const starts = [{}, BY_FILE, { modelId: ID }, { chat_id: 'chat', message: 'Hello' }];
  const stops = [{}, BY_FILE, { modelId: ID }, { model: ID }, { targetRequestId: 'generate' }];

  it('stops it, however both name it', async () => {
    await host.request('LOAD_MODEL', { ...BY_FILE, n_ctx: 512 });
    for (const start of starts) {
      for (const stop of [...stops, { ...BY_FILE, targetRequestId: 'generate' }]) {
        const generation = replyTo('generate');
        const input = 'message' in start ? start : { ...start, prompt: '' };
        host.send({ action: 'GENERATE', requestId: 'generate', ...input, settings });
        const second = host.request('STOP_GENERATION', stop);
        const third = host.request('STOP_GENERATION', stop);
        expect([start, stop, await second]).toMatchObject([start, stop, { payload: { stopped: 1 } }]);
        expect([start, stop, await generation]).toMatchObject([start, stop, { payload: { finishReason: 'stopped' } }]);
        expect(await third).toMatchObject({ status: 'success' });
        expect(await host.request('STOP_GENERATION', stop)).toMatchObject({ payload: { stopped: 0 } });
      }
    }
  });

  it('leaves generations alone that it does not name', async () => {
    await host.request('LOAD_MODEL', { ...BY_FILE, n_ctx: 512 });
    for (const stop of [{ targetRequestId: 'other' }, { modelPath: REPO, modelFile: 'other.gguf' }]) {
      const generation = replyTo('generate');
      host.send({
        action: 'GENERATE',
        requestId: 'generate',
        prompt: '',
        settings: { ...settings, max_new_tokens: 20 },
      });
      expect(await host.request('STOP_GENERATION', stop)).toMatchObject({ payload: { stopped: 0 } });
      expect(await generation).toMatchObject({ payload: { finishReason: 'length' } });
    }
  });
});
