import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Engine } from '../../../host/engine/engine.ts';
import type { ServerChange } from '../../../host/models/model-server.ts';
import { isAlive, makeEngine, orderFor } from '../../support/engine/make-engine.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('engine');
const file = join(folder.path, 'markov.gguf');
const other = join(folder.path, 'other.gguf');
const engines: Engine[] = [];

beforeAll(() => {
  writeFileSync(file, markovModel());
  writeFileSync(other, markovModel({ layers: 3, contextLength: 1024 }));
});
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));
afterAll(() => folder.remove());

function started(options: Parameters<typeof makeEngine>[0] = {}) {
  const made = makeEngine(options);
  engines.push(made.engine);
  return made;
}

describe('an engine', () => {
  it('loads a model in a process of its own, says what it takes, and ends the process to unload it', async () => {
    const { engine } = started();
    const fractions: number[] = [];
    const { model, alreadyLoaded } = await engine.load(await orderFor('a/b/markov.gguf', file), {
      onProgress: ({ fraction }) => fractions.push(fraction),
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

    const pid = engine.pidOf(model.id);
    expect(pid).not.toBe(process.pid);
    expect(isAlive(pid)).toBe(true);
    expect(engine.list()).toEqual([model]);
    expect(engine.get(model.id)).toBe(model);
    expect(engine.isBusy(model.id)).toBe(true);

    const freed = await engine.unload(model.id);
    expect(isAlive(pid)).toBe(false);
    expect(freed.ramFreed).toBeGreaterThan(model.ramUsed);
    expect(engine.list()).toEqual([]);
    expect(engine.isBusy(model.id)).toBe(false);
  });

  it('returns a loaded model as it is, whatever settings come the second time', async () => {
    const { engine } = started();
    const first = await engine.load(await orderFor('m', file));
    const again = await engine.load(await orderFor('m', file, { contextSize: 512 }));
    expect(again).toEqual({ model: first.model, alreadyLoaded: true });
  });

  it('lets a second load of the same model join the first', async () => {
    const { engine, log } = started();
    const order = await orderFor('m', file);
    const progress: number[] = [];
    const [one, two] = await Promise.all([
      engine.load(order),
      engine.load(order, { onProgress: ({ fraction }) => progress.push(fraction) }),
    ]);
    expect(one.model).toBe(two.model);
    expect(progress.at(-1)).toBe(1);
    expect(log.lines.filter(({ event }) => event === 'engine.ready')).toHaveLength(1);
  });

  it('holds two models at once, and makes the one loaded last the active one', async () => {
    const { engine } = started();
    const changes: ServerChange[] = [];
    engine.onChange((change) => changes.push(change));
    await Promise.all([engine.load(await orderFor('one', file)), engine.load(await orderFor('two', other))]);
    expect(engine.pidOf('one')).not.toBe(engine.pidOf('two'));
    expect(
      engine
        .list()
        .map(({ id, cpuLayers }) => [id, cpuLayers])
        .sort(),
    ).toEqual([
      ['one', 2],
      ['two', 3],
    ]);
    expect(engine.activeId).toBe(changes.at(-1)?.id);

    engine.setActive('one');
    expect(engine.activeId).toBe('one');
    await engine.unload('one');
    expect(engine.activeId).toBe('two');
    await engine.unload('two');
    expect(engine.activeId).toBeNull();
    expect(changes.map(({ type }) => type)).toEqual(['loaded', 'loaded', 'unloaded', 'unloaded']);
  });

  it('unloads all, and then has nothing to unload', async () => {
    const { engine } = started();
    await engine.load(await orderFor('one', file));
    await engine.load(await orderFor('two', file));
    const pids = [engine.pidOf('one'), engine.pidOf('two')];
    expect(await engine.unloadAll()).toEqual(['one', 'two']);
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(await engine.unloadAll()).toEqual([]);
  });

  it('says that a model is not loaded', async () => {
    const { engine } = started();
    const error = { code: 'MODEL_NOT_LOADED', message: 'a/b/c.gguf is not loaded.' };
    await expect(engine.unload('a/b/c.gguf')).rejects.toMatchObject(error);
    expect(() => engine.setActive('a/b/c.gguf')).toThrow(expect.objectContaining(error));
    expect(engine.get('a/b/c.gguf')).toBeUndefined();
  });

  it('loads again only when the process that held the model is gone', async () => {
    const { engine, log } = started();
    const order = await orderFor('m', file);
    await engine.load(order);
    const before = engine.pidOf('m');
    const ready = log.next('engine.ready');
    engine.warm();
    await ready;
    // A stopped process takes its time to unload, and the warm one would be done loading long before.
    process.kill(before ?? 0, 'SIGSTOP');
    const unloading = engine.unload('m');
    expect(engine.isBusy('m')).toBe(true);
    const { alreadyLoaded } = await engine.load(order);
    expect(isAlive(before)).toBe(false);
    expect(alreadyLoaded).toBe(false);
    expect(isAlive(engine.pidOf('m'))).toBe(true);
    await unloading;
  });

  it('uses the warm runner for a load, and keeps only one', async () => {
    const { engine, log } = started();
    const ready = log.next('engine.ready');
    engine.warm();
    engine.warm();
    const pid = engine.warmPid;
    await ready;
    await engine.load(await orderFor('m', file));
    expect(engine.pidOf('m')).toBe(pid);
    expect(engine.warmPid).toBeUndefined();
    expect(log.lines.filter(({ event }) => event === 'engine.ready')).toHaveLength(1);
  });

  it('names the CPU binary that ggml loaded', async () => {
    const { engine } = started();
    const { model } = await engine.load(await orderFor('m', file));
    if (process.platform === 'linux' && process.arch === 'x64') expect(model.cpuVariant).toMatch(/^[a-z0-9]+$/);
    else expect(model.cpuVariant === null || model.cpuVariant.length > 0).toBe(true);
  });

  it('ends every process when it is closed, whatever they are doing', async () => {
    const { engine, log } = makeEngine();
    await engine.load(await orderFor('one', file));
    const loaded = engine.pidOf('one');
    const loading = engine.load(await orderFor('two', file));
    const refused = expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
    const ready = log.next('engine.ready');
    engine.warm();
    const warm = engine.warmPid;
    await ready;
    await engine.close();
    await refused;
    expect([loaded, warm].map(isAlive)).toEqual([false, false]);
    expect(engine.list()).toEqual([]);
    await expect(engine.load(await orderFor('three', file))).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
