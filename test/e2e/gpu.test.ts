import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { inspectModel } from '../../host/gguf/inspect.ts';
import { demandOf, memoryFor } from '../../host/hardware/demand.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { bertModel, bertVector } from '../support/gguf/bert-model.ts';
import { markovModel, STORY_GREEDY } from '../support/gguf/markov-model.ts';
import { writeModelKind } from '../support/gguf/model-kinds.ts';
import { HostFixture } from '../support/host/host-fixture.ts';
import type { HostProcess } from '../support/host/host-process.ts';

/** Where Vulkan looks for drivers on Linux. Mesa's lavapipe is a GPU in software. */
const DRIVERS = '/usr/share/vulkan/icd.d';
const driver = existsSync(DRIVERS) ? readdirSync(DRIVERS).find((name) => name.startsWith('lvp_icd')) : undefined;
const missing =
  process.platform === 'linux' && process.arch === 'x64' && driver !== undefined
    ? undefined
    : "there is no software GPU (Debian's mesa-vulkan-drivers, x64)";

/** A GPU in software compiles its programs for half a minute before the first token. */
jest.setTimeout(300_000);

const LAYERS = 6;
/** The first three words. */
const BEGINNING = STORY_GREEDY.split(' ').slice(0, 3).join(' ');
const WORDS = ['a', 'model'];
const MODEL = { modelPath: 'made/story', modelFile: 'story.gguf' };
const KIND = { modelPath: 'made/window', modelFile: 'window.gguf' };
const BERT = { modelPath: 'made/bert', modelFile: 'bert.gguf' };

/** The GPU in software is used only where it is asked for. */
const ON_GPU = { TABAGENT_GPU: 'vulkan', GGML_VK_VISIBLE_DEVICES: '0', VK_DRIVER_FILES: join(DRIVERS, driver ?? '') };

describeUnless('a GPU', missing, () => {
  let fixture: HostFixture;
  let host: HostProcess;

  beforeAll(async () => {
    fixture = await HostFixture.open();
    const folder = (name: string) => join(fixture.home, 'models', 'made', name);
    for (const name of ['story', 'window', 'bert']) await mkdir(folder(name), { recursive: true });
    await writeFile(join(folder('story'), MODEL.modelFile), markovModel({ layers: LAYERS }));
    await writeFile(join(folder('bert'), BERT.modelFile), bertModel({ words: WORDS }));
    await writeModelKind(join(folder('window'), KIND.modelFile), 'sliding-window', { pieces: 30_000 });
    host = fixture.host({ env: ON_GPU });
  });
  afterAll(() => fixture.close());

  const loaded = async (on: HostProcess, request: object) => {
    const reply = await on.request('LOAD_MODEL', request);
    expect(reply).toMatchObject({ status: 'success' });
    return reply.payload;
  };
  const story = async (on: HostProcess) => {
    const reply = await on.request('GENERATE', { prompt: '', settings: { do_sample: false, max_new_tokens: 3 } });
    return reply.payload?.output.trim();
  };

  it('that only llama.cpp reports is listed, recommended and used', async () => {
    const { payload } = await host.request('GET_SYSTEM_RESOURCES');
    expect(payload.gpu).toMatchObject({ name: expect.stringMatching(/llvmpipe/), vendor: 'other' });
    expect(payload.gpu.total_vram).toBeGreaterThan(2 ** 28);
    const split = (await host.request('RECOMMEND_SPLIT', MODEL)).payload;
    expect(split).toMatchObject({ gpu_layers: LAYERS, cpu_layers: 0, fits: true, performance_tier: 'fast' });
    expect(await loaded(host, MODEL)).toMatchObject({ loadedTo: 'GPU', gpuLayers: LAYERS, cpuLayers: 0 });
    expect(await story(host)).toBe(BEGINNING);
  });

  it('can hold some of the layers', async () => {
    expect(await loaded(host, { ...MODEL, n_gpu_layers: 3 })).toMatchObject({
      loadedTo: 'SPLIT',
      gpuLayers: 3,
      cpuLayers: LAYERS - 3,
    });
    expect(await story(host)).toBe(BEGINNING);
  });

  it('can be left unused', async () => {
    expect(await loaded(host, { ...MODEL, n_gpu_layers: 0 })).toMatchObject({ loadedTo: 'CPU', gpuLayers: 0 });
    expect(await story(host)).toBe(BEGINNING);
    await host.request('UNLOAD_ALL_MODELS');
  });

  // Weights dominate: the working memory of a part of the layers depends on which of them are evaluated where.
  it.each([8, 3])('uses the estimated memory for a model with %d layers on it', async (layers) => {
    const { shape } = await inspectModel([join(fixture.home, 'models', KIND.modelPath, KIND.modelFile)]);
    const { vram, ram } = memoryFor(demandOf(shape, { contextSize: 8192 }), layers, 1);
    const { vramUsed, ramUsed } = await loaded(host, {
      ...KIND,
      settings: { n_ctx: 8192, n_gpu_layers: layers, n_parallel: 1 },
    });
    for (const ratio of [vram / vramUsed, ram / ramUsed]) {
      expect(ratio).toBeGreaterThan(0.9);
      expect(ratio).toBeLessThan(1.1);
    }
    const { available_vram, total_vram } = (await host.request('GET_SYSTEM_RESOURCES')).payload.gpu;
    expect(total_vram - available_vram).toBeGreaterThanOrEqual(vramUsed);
    await host.request('UNLOAD_ALL_MODELS');
  });

  it('is used only if a load chooses it', async () => {
    const { name } = (await host.request('GET_SYSTEM_RESOURCES')).payload.gpu;
    const own = { ...MODEL, devices: [name] };
    expect(await loaded(host, own)).toMatchObject({ loadedTo: 'GPU', devices: [expect.stringMatching(/llvmpipe/)] });
    expect(await story(host)).toBe(BEGINNING);
    expect(await loaded(host, own)).toMatchObject({ alreadyLoaded: true });
    expect(await loaded(host, { ...MODEL, devices: [] })).toMatchObject({ loadedTo: 'CPU', devices: [] });
    expect(await story(host)).toBe(BEGINNING);
    for (const devices of [['GeForce'], [name, name]]) {
      expect(await host.request('LOAD_MODEL', { ...MODEL, devices })).toMatchObject({
        code: 'INVALID_REQUEST',
        details: { field: 'devices', expected: `GPUs among ${JSON.stringify(name)}` },
      });
    }
    await host.request('UNLOAD_ALL_MODELS');
  });

  it('is chosen among several by the number that the driver gives it', async () => {
    // Two drivers of the same device: llama.cpp lists it twice if it is asked to.
    const drivers = [ON_GPU.VK_DRIVER_FILES, ON_GPU.VK_DRIVER_FILES].map((file, at) => {
      const copy = join(fixture.home, `driver-${at}.json`);
      copyFileSync(file, copy);
      return copy;
    });
    const twice = { ...ON_GPU, VK_DRIVER_FILES: drivers.join(':'), GGML_VK_VISIBLE_DEVICES: '0,1' };
    const other = fixture.host({ env: twice });
    const names = (await other.request('GET_SYSTEM_RESOURCES')).payload.gpus.map((gpu: { name: string }) => gpu.name);
    expect(names).toHaveLength(2);
    expect((await loaded(other, { ...MODEL, devices: names })).devices).toHaveLength(2);
    expect(await loaded(other, { ...MODEL, devices: names.slice(1) })).toMatchObject({
      loadedTo: 'GPU',
      devices: [names[1]],
    });
    expect(await story(other)).toBe(BEGINNING);
    await other.kill();
  });

  it('can hold several models, and embed', async () => {
    await loaded(host, MODEL);
    expect(await loaded(host, BERT)).toMatchObject({ loadedTo: 'GPU', capabilities: ['embed'] });
    const texts = ['a model'];
    const { payload } = await host.request('GENERATE_EMBEDDINGS', { ...BERT, texts, normalize: false });
    expect(payload.embeddings).toEqual(texts.map((text) => bertVector(WORDS, text).map((n) => expect.closeTo(n, 2))));
    const model = { modelId: `${MODEL.modelPath}/${MODEL.modelFile}` };
    await host.request('SET_ACTIVE_MODEL', model);
    expect(await story(host)).toBe(BEGINNING);
    await host.request('UNLOAD_ALL_MODELS');
  });

  it.each([
    ['without a driver', { ...ON_GPU, VK_DRIVER_FILES: '/nonexistent.json' }],
    ['without a device', { ...ON_GPU, GGML_VK_VISIBLE_DEVICES: '' }],
    ['that is turned off', { ...ON_GPU, TABAGENT_GPU: 'off' }],
  ])('%s is neither listed nor used', async (_name, env) => {
    const other = fixture.host({ env });
    expect(await other.request('LOAD_MODEL', { ...MODEL, devices: ['llvmpipe'] })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'devices' },
    });
    expect(await other.request('GET_SYSTEM_RESOURCES')).toMatchObject({ payload: { gpu: null } });
    expect(await other.request('RECOMMEND_SPLIT', MODEL)).toMatchObject({ payload: { gpu_layers: 0, fits: true } });
    expect(await loaded(other, MODEL)).toMatchObject({ loadedTo: 'CPU' });
    expect(await story(other)).toBe(BEGINNING);
    await other.kill();
  });
});
