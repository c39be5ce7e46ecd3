import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';
const ID = `${REPO}/${FILE}`;
const MODEL = { modelPath: REPO, modelFile: FILE };
/** One thread: on a busy machine of two cores more of them wait for each other. */
const SETTINGS = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };

describe('the pipeline of the original host, over native messaging', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  /** Sends a request without a requestId and returns the next reply, as the original's client does. */
  async function ask(action: string, fields: Message = {}): Promise<Message> {
    const reply = host.next((message) => 'status' in message);
    host.send({ action, ...fields });
    return reply;
  }

  it('passes all nine steps of the original client', async () => {
    const resources = payloadOf('GET_SYSTEM_RESOURCES', await ask('GET_SYSTEM_RESOURCES'));
    expect(resources.total_ram).toBe(resources.available_ram + resources.used_ram);
    expect(resources.disk?.available).toBeGreaterThan(0);

    const { models } = payloadOf('GET_AVAILABLE_MODELS', await ask('GET_AVAILABLE_MODELS'));
    expect(models.length).toBeGreaterThan(10);
    expect(models.some((model) => model.downloaded)).toBe(false);

    const downloaded = await ask('DOWNLOAD_MODEL', MODEL);
    expect(payloadOf('DOWNLOAD_MODEL', downloaded)).toEqual({
      modelId: ID,
      repoId: REPO,
      fileName: FILE,
      size: markovModel().length,
      cached: true,
    });
    expect(downloaded.message).toBe('Model downloaded successfully');

    const loaded = payloadOf('LOAD_MODEL', await ask('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
    expect(loaded).toMatchObject({
      isReady: true,
      backend: 'Node-GGUF',
      modelPath: ID,
      contextSize: 256,
      trainContextSize: 512,
      loadedTo: 'CPU',
      gpuLayers: 0,
      cpuLayers: 2,
      architecture: 'llama',
      quantization: 'F16',
      fileSize: markovModel().length,
    });
    expect(loaded.ramUsed).toBeGreaterThan(0);
    expect(loaded.cpuVariant).toBe(resources.cpu.variant);

    const list = payloadOf('GET_LOADED_MODELS', await ask('GET_LOADED_MODELS'));
    expect(list.models.map((model) => model.model_id)).toEqual([ID]);

    const state = payloadOf('GET_MODEL_STATE', await ask('GET_MODEL_STATE', { modelId: ID }));
    expect(state).toEqual(list.models[0]);
    expect(payloadOf('GET_MODEL_STATE', await ask('GET_MODEL_STATE'))).toEqual({
      modelId: ID,
      isReady: true,
      backend: 'Node-GGUF',
      modelPath: ID,
    });

    const unloaded = payloadOf('UNLOAD_MODEL', await ask('UNLOAD_MODEL', { modelId: ID }));
    expect(unloaded).toMatchObject({ modelPath: ID, wasLoaded: true });
    expect(unloaded.ramFreed).toBeGreaterThan(0);

    expect(payloadOf('GET_LOADED_MODELS', await ask('GET_LOADED_MODELS')).models).toEqual([]);
    const gone = await ask('GET_MODEL_STATE', { modelId: ID });
    expect(gone).toMatchObject({ status: 'error', code: 'MODEL_NOT_LOADED', message: `Model not loaded: ${ID}` });
    expect(await ask('UNLOAD_MODEL', { modelId: ID })).toMatchObject({
      status: 'error',
      message: `Model not loaded: ${ID}`,
    });

    const split = payloadOf(
      'RECOMMEND_SPLIT',
      await ask('RECOMMEND_SPLIT', { modelSize: 4_000_000_000, totalLayers: 32 }),
    );
    expect(split.gpu_layers + split.cpu_layers).toBe(32);
  });

  it('downloads the model of LOAD_MODEL, reports progress, and replies to a second load immediately', async () => {
    const loaded = await host.request('LOAD_MODEL', { modelPath: ID, settings: SETTINGS, loadId: 7 });
    expect(loaded.message).toBe('Model loaded successfully');
    const events = host.received.filter((message) => message.type === 'modelWorkerLoadingProgress');
    for (const event of events)
      expect(event).toMatchObject({ requestId: loaded.requestId, payload: { file: ID, loadId: 7 } });
    const statuses = events.map((event) => event.payload.status);
    expect(statuses[0]).toBe('initiate');
    expect(statuses.at(-1)).toBe('done');
    expect(host.received.at(-1)).toBe(loaded);

    const again = await host.request('LOAD_MODEL', { modelPath: ID });
    expect(again).toMatchObject({
      message: 'Model already loaded',
      payload: { ...(loaded.payload as object), alreadyLoaded: true },
    });
  });

  it('reports a download from its first byte to its last', async () => {
    const reply = await host.request('PULL_MODEL', { model: ID });
    expect(reply).toMatchObject({ status: 'success', model: ID });
    const events = host.received.filter((message) => message.type === 'MODEL_DOWNLOAD_PROGRESS');
    expect(events.at(-1)?.payload).toMatchObject({
      repoId: REPO,
      fileName: FILE,
      progress: 100,
      loaded: markovModel().length,
    });
    expect(await host.request('DOWNLOAD_MODEL', MODEL)).toMatchObject({ message: 'Model already downloaded' });
    expect(payloadOf('GET_DOWNLOAD_STATUS', await host.request('GET_DOWNLOAD_STATUS', MODEL))).toMatchObject({
      status: 'completed',
      progress: 100,
    });
  });

  it('lists downloaded models, and not deleted ones', async () => {
    await host.request('DOWNLOAD_MODEL', MODEL);
    const { models } = payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS'));
    expect(models).toEqual([
      expect.objectContaining({ id: ID, downloaded: true, size: markovModel().length, source: 'disk' }),
    ]);

    await host.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS });
    expect(await host.request('DELETE_MODEL', MODEL)).toMatchObject({ status: 'error', code: 'MODEL_IN_USE' });
    await host.request('UNLOAD_MODEL', { modelId: ID });
    expect(payloadOf('DELETE_MODEL', await host.request('DELETE_MODEL', { modelPath: REPO }))).toEqual({
      repoId: REPO,
      freed: markovModel().length,
    });
    expect(payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS')).models).toEqual([]);
    expect(await readdir(join(fixture.home, 'models'))).toEqual([]);
    expect(await host.request('DELETE_MODEL', MODEL)).toMatchObject({ code: 'MODEL_NOT_DOWNLOADED' });
  });

  it('keeps added models across a restart', async () => {
    const added = payloadOf(
      'ADD_MODEL_TO_LIST',
      await host.request('ADD_MODEL_TO_LIST', { model: { repo_id: REPO, file_path: FILE, name: 'Markov' } }),
    );
    expect(added.model).toMatchObject({ id: ID, name: 'Markov', source: 'user', downloaded: false });
    await host.close();
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    await host.request('DOWNLOAD_MODEL', MODEL);
    const { models } = payloadOf('GET_AVAILABLE_MODELS', await host.request('GET_AVAILABLE_MODELS'));
    expect(models.find((model) => model.id === ID)).toEqual({ ...added.model, downloaded: true });
  });

  it('removes only added models from the list, and not their files', async () => {
    const remove = async (modelId: string) =>
      payloadOf('REMOVE_MODEL_FROM_LIST', await host.request('REMOVE_MODEL_FROM_LIST', { modelId }));
    const listed = async () =>
      payloadOf('GET_AVAILABLE_MODELS', await host.request('GET_AVAILABLE_MODELS')).models.map(({ id }) => id);
    const suggested = await listed();
    await host.request('ADD_MODEL_TO_LIST', { model: { repo_id: REPO, file_path: FILE } });
    await host.request('DOWNLOAD_MODEL', MODEL);
    expect(await remove(ID)).toEqual({ modelId: ID, removed: true });
    expect(await listed()).toEqual(suggested);
    expect(payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS')).models).toMatchObject([
      { id: ID, source: 'disk' },
    ]);
    expect(await remove(ID)).toEqual({ modelId: ID, removed: false });
    expect(await remove(suggested[0] ?? '')).toMatchObject({ removed: false });
    expect(await listed()).toEqual(suggested);
  });

  it('recommends a split from the header alone, without a download', async () => {
    const split = payloadOf('RECOMMEND_SPLIT', await host.request('RECOMMEND_SPLIT', { modelPath: ID, n_ctx: 128 }));
    expect(split.gpu_layers + split.cpu_layers).toBe(2);
    expect(payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS')).models).toEqual([]);
  });

  it('reports the error in each invalid request, and continues', async () => {
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: '../../etc', modelFile: 'passwd' })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'modelPath' },
    });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: REPO, modelFile: '../x.gguf' })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'modelFile' },
    });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: REPO, modelFile: 'none.gguf' })).toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: 'no/repo', modelFile: 'x.gguf' })).toMatchObject({
      code: 'REPO_NOT_FOUND',
    });
    expect(await host.request('LOAD_MODEL', { modelPath: REPO, modelFile: 'model.onnx' })).toMatchObject({
      code: 'UNSUPPORTED_MODEL_TYPE',
    });
    expect(await host.request('GET_MODELS_BY_TYPE', { modelType: 'safetensors' })).toMatchObject({
      code: 'UNSUPPORTED_MODEL_TYPE',
    });
    expect(await host.request('GET_MODELS_BY_TYPE', {})).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'modelType' },
    });
    expect(await host.request('SET_ACTIVE_MODEL', { modelId: ID })).toMatchObject({ code: 'MODEL_NOT_LOADED' });
    expect(await host.request('FLY', { prompt: 'x' })).toMatchObject({
      code: 'UNKNOWN_ACTION',
      message: 'Unknown action: FLY',
    });
    expect(await host.request('PING')).toMatchObject({ response: 'pong' });
  });

  it.each(['gguf', 'bitnet'] as const)('has a default %s model, one of those it lists', async (modelType) => {
    const { models } = payloadOf('GET_MODELS_BY_TYPE', await host.request('GET_MODELS_BY_TYPE', { modelType }));
    const { defaultModel } = payloadOf(
      'GET_DEFAULT_MODEL',
      await host.request('GET_DEFAULT_MODEL', { type: modelType }),
    );
    expect(models).toContainEqual(defaultModel);
  });

  it("describes the system in the original's format", async () => {
    const reply = await host.request('GET_SYSTEM_INFO');
    const info = payloadOf('GET_SYSTEM_INFO', reply);
    expect(reply).toMatchObject(info);
    expect(info.devices.cpu.available).toBe(true);
  });

  it('reports memory and models correctly', async () => {
    const before = payloadOf('GET_MEMORY_USAGE', await host.request('GET_MEMORY_USAGE'));
    expect(before).toMatchObject({ loadedModelsCount: 0, memoryUsedByModels: 0, cached: { count: 0, bytes: 0 } });
    const loaded = payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
    const after = payloadOf('GET_MEMORY_USAGE', await host.request('GET_MEMORY_USAGE'));
    expect(after).toMatchObject({
      loadedModelsCount: 1,
      memoryUsedByModels: loaded.ramUsed + loaded.vramUsed,
      cached: { count: 1, bytes: markovModel().length },
    });
    expect(payloadOf('UNLOAD_ALL_MODELS', await host.request('UNLOAD_ALL_MODELS'))).toEqual({
      unloadedModels: [ID],
      count: 1,
    });
  });
});
