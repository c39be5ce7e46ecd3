import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ModelChange } from '../../../host/models/model-registry.ts';
import { isAlive, loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('engine');
const file = join(folder.path, 'markov.gguf');
const other = join(folder.path, 'other.gguf');
const hosts: TestModels[] = [];

beforeAll(() => {
  writeFileSync(file, markovModel());
  writeFileSync(other, markovModel({ layers: 3, contextLength: 1024 }));
});
afterEach(() => Promise.all(hosts.splice(0).map((host) => host.close())));
afterAll(() => folder.remove());

function started(options: ConstructorParameters<typeof TestModels>[0] = {}): TestModels {
  const host = new TestModels(options);
  hosts.push(host);
  return host;
}

describe('an engine', () => {
  it('loads a model in its own process, reports its memory, and ends the process to unload it', async () => {
    const host = started();
    const fractions: number[] = [];
    const { model, alreadyLoaded } = await host.load(await loadRequest('a/b/markov.gguf', file), {
      onProgress: (progress) => progress.step === 'load' && fractions.push(progress.fraction),
    });
    expect(alreadyLoaded).toBe(false);
    expect(model).toMatchObject({
      id: 'a/b/markov.gguf',
      backend: 'Node-GGUF',
      modelType: 'gguf',
      architecture: 'llama',
      quantization: 'F16',
      vocabSize: 309,
      embeddingDim: 320,
      contextSize: 256,
      trainContextSize: 512,
      gpuLayers: 0,
      cpuLayers: 2,
      loadedTo: 'CPU',
      vramUsed: 0,
    });
    expect(model.ramUsed).toBeGreaterThan(0);
    expect(model.loadTimeMs).toBeGreaterThan(0);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));

    const pid = host.pidOf(model.id);
    expect(pid).not.toBe(process.pid);
    expect(isAlive(pid)).toBe(true);
    expect(host.models.list()).toEqual([model]);
    expect(host.models.get(model.id)).toBe(model);
    expect(host.models.isLoading(model.id)).toBe(false);

    const freed = await host.models.unload(model.id);
    expect(isAlive(pid)).toBe(false);
    expect(freed.ramFreed).toBeGreaterThan(model.ramUsed);
    expect(host.models.list()).toEqual([]);
    expect(host.models.isLoading(model.id)).toBe(false);
  });

  it('returns a loaded model unchanged for a second load with other settings', async () => {
    const host = started();
    const first = await host.load(await loadRequest('m', file));
    const again = await host.load(await loadRequest('m', file, { contextSize: 512 }));
    expect(again).toEqual({ model: first.model, alreadyLoaded: true });
  });

  it('shares a load between concurrent requests for the same model', async () => {
    const host = started();
    const order = await loadRequest('m', file);
    const progress: number[] = [];
    const [one, two] = await Promise.all([
      host.load(order),
      host.load(order, { onProgress: (step) => step.step === 'load' && progress.push(step.fraction) }),
    ]);
    expect(one.model).toBe(two.model);
    expect(progress.at(-1)).toBe(1);
    expect(host.log.lines.filter(({ event }) => event === 'engine.runner-ready')).toHaveLength(1);
  });

  it('can hold two models, and makes the one loaded last the active one', async () => {
    const host = started();
    const changes: ModelChange[] = [];
    host.models.onChange((change) => changes.push(change));
    await Promise.all([host.load(await loadRequest('one', file)), host.load(await loadRequest('two', other))]);
    expect(host.pidOf('one')).not.toBe(host.pidOf('two'));
    expect(
      host.models
        .list()
        .map(({ id, cpuLayers }) => [id, cpuLayers])
        .sort(),
    ).toEqual([
      ['one', 2],
      ['two', 3],
    ]);
    expect(host.models.activeId).toBe(changes.at(-1)?.id);

    host.models.setActive('one');
    expect(host.models.activeId).toBe('one');
    await host.models.unload('one');
    expect(host.models.activeId).toBe('two');
    await host.models.unload('two');
    expect(host.models.activeId).toBeNull();
    expect(changes.map(({ type }) => type)).toEqual(['loaded', 'loaded', 'unloaded', 'unloaded']);
  });

  it('unloads all models, and nothing the second time', async () => {
    const host = started();
    await host.load(await loadRequest('one', file));
    await host.load(await loadRequest('two', file));
    const pids = [host.pidOf('one'), host.pidOf('two')];
    expect(await host.models.unloadAll()).toEqual(['one', 'two']);
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(await host.models.unloadAll()).toEqual([]);
  });

  it('reports that a model is not loaded', async () => {
    const host = started();
    const error = { code: 'MODEL_NOT_LOADED', message: 'Model not loaded: a/b/c.gguf' };
    await expect(host.models.unload('a/b/c.gguf')).rejects.toMatchObject(error);
    expect(() => host.models.setActive('a/b/c.gguf')).toThrow(expect.objectContaining(error));
    expect(host.models.get('a/b/c.gguf')).toBeUndefined();
  });

  it('loads a model again only after its previous process has ended', async () => {
    const host = started();
    const order = await loadRequest('m', file);
    await host.load(order);
    const before = host.pidOf('m');
    const ready = host.log.next('engine.runner-ready');
    host.engine.warm();
    await ready;
    // Unloading a suspended process takes time, and the warm runner would have loaded long before.
    process.kill(before ?? 0, 'SIGSTOP');
    const unloading = host.models.unload('m');
    const { alreadyLoaded } = await host.load(order);
    expect(isAlive(before)).toBe(false);
    expect(alreadyLoaded).toBe(false);
    expect(isAlive(host.pidOf('m'))).toBe(true);
    await unloading;
  });

  it('uses the warm runner for a load, and keeps only one', async () => {
    const host = started();
    const ready = host.log.next('engine.runner-ready');
    host.engine.warm();
    host.engine.warm();
    const pid = host.engine.warmPid;
    await ready;
    await host.load(await loadRequest('m', file));
    expect(host.pidOf('m')).toBe(pid);
    expect(host.engine.warmPid).toBeUndefined();
    expect(host.log.lines.filter(({ event }) => event === 'engine.runner-ready')).toHaveLength(1);
  });

  it('reports the CPU variant that ggml loaded', async () => {
    const host = started();
    const { model } = await host.load(await loadRequest('m', file));
    if (process.platform === 'linux' && process.arch === 'x64') expect(model.cpuVariant).toMatch(/^[a-z0-9]+$/);
    else expect(model.cpuVariant === null || model.cpuVariant.length > 0).toBe(true);
  });

  it('ends all processes when it is closed, even busy ones', async () => {
    const host = new TestModels();
    await host.load(await loadRequest('one', file));
    const loaded = host.pidOf('one');
    const loading = host.load(await loadRequest('two', file));
    const refused = expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
    const ready = host.log.next('engine.runner-ready');
    host.engine.warm();
    const warm = host.engine.warmPid;
    await ready;
    await host.close();
    await refused;
    expect([loaded, warm].map(isAlive)).toEqual([false, false]);
    expect(host.models.list()).toEqual([]);
    await expect(host.load(await loadRequest('three', file))).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
