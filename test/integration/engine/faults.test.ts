import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Engine } from '../../../host/engine/engine.ts';
import type { ServerChange } from '../../../host/models/model-server.ts';
import { fixtureRunner, isAlive, makeEngine, orderFor } from '../../support/engine/make-engine.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';

const folder = tempFolder('faults');
const file = join(folder.path, 'markov.gguf');
const engines: Engine[] = [];

beforeAll(() => writeFileSync(file, markovModel()));
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));
afterAll(() => folder.remove());

function started(options: Parameters<typeof makeEngine>[0] = {}) {
  const made = makeEngine(options);
  engines.push(made.engine);
  return made;
}

/** An engine with a warm runner that has been stopped: a load given to it stays where it is. */
async function withStoppedRunner() {
  const made = started();
  const ready = made.log.next('engine.ready');
  made.engine.warm();
  const pid = made.engine.warmPid;
  await ready;
  if (pid === undefined) throw new Error('There is no warm runner');
  process.kill(pid, 'SIGSTOP');
  return { ...made, pid };
}

function nextChange(engine: Engine): Promise<ServerChange> {
  return new Promise((resolve) => {
    const stop = engine.onChange((change) => {
      stop();
      resolve(change);
    });
  });
}

describe('a runner that is killed', () => {
  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'by %s while it holds a model is a change of state, and others stay',
    async (signal) => {
      const { engine } = started();
      await engine.load(await orderFor('stays', file));
      await engine.load(await orderFor('dies', file));
      const change = nextChange(engine);
      process.kill(engine.pidOf('dies') ?? 0, signal);
      expect(await change).toMatchObject({
        type: 'lost',
        id: 'dies',
        activeId: 'stays',
        error: { code: 'ENGINE_CRASHED', details: { signal, exitCode: null } },
      });
      expect(engine.list().map(({ id }) => id)).toEqual(['stays']);
      await expect(engine.unload('dies')).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' });
      await engine.load(await orderFor('dies', file));
      expect(engine.activeId).toBe('dies');
    },
  );

  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'by %s while it loads is an error, and the next load works',
    async (signal) => {
      const { engine, pid } = await withStoppedRunner();
      const order = await orderFor('m', file);
      const loading = engine.load(order);
      process.kill(pid, signal);
      process.kill(pid, 'SIGCONT');
      await expect(loading).rejects.toMatchObject({ code: 'ENGINE_CRASHED', details: { signal } });
      expect(engine.isBusy('m')).toBe(false);
      await expect(engine.load(order)).resolves.toMatchObject({ alreadyLoaded: false });
    },
  );

  it('while it is idle is replaced by a new one', async () => {
    const { engine, log } = started();
    const ready = log.next('engine.ready');
    engine.warm();
    const pid = engine.warmPid;
    await ready;
    const gone = log.next('engine.idle-ended');
    process.kill(pid ?? 0, 'SIGKILL');
    expect(await gone).toMatchObject({ runner: pid });
    await expect(engine.load(await orderFor('m', file))).resolves.toMatchObject({ alreadyLoaded: false });
  });
});

describe('a load', () => {
  it('ends with its process when it is given up', async () => {
    const { engine, pid } = await withStoppedRunner();
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const loading = engine.load(await orderFor('m', file), { signal: controller.signal });
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
    expect(isAlive(pid)).toBe(false);
    expect(engine.isBusy('m')).toBe(false);
  });

  it('goes on for those who still wait when one of them leaves', async () => {
    const { engine, pid } = await withStoppedRunner();
    const order = await orderFor('m', file);
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const leaving = engine.load(order, { signal: controller.signal });
    const staying = engine.load(order);
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    process.kill(pid, 'SIGCONT');
    await expect(staying).resolves.toMatchObject({ model: { id: 'm' } });
  });

  it('with a context no machine holds is refused at once', async () => {
    const { engine } = started();
    const order = await orderFor('m', file, { contextSize: 2_000_000_000 });
    await expect(engine.load(order)).rejects.toMatchObject({ code: 'INVALID_REQUEST', details: { field: 'n_ctx' } });
    expect(engine.isBusy('m')).toBe(false);
  });

  it('does not begin when it has been given up before', async () => {
    const { engine } = started();
    const reason = new Error('too late');
    await expect(engine.load(await orderFor('m', file), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(engine.isBusy('m')).toBe(false);
  });

  it('that shows no progress is given up, and its process ended', async () => {
    const { engine } = started({ runnerEntry: fixtureRunner('silent-runner.ts'), loadTimeoutMs: 400 });
    engine.warm();
    const pid = engine.warmPid;
    await expect(engine.load(await orderFor('m', file))).rejects.toMatchObject({
      code: 'LOAD_TIMEOUT',
      details: { timeoutMs: 400 },
    });
    expect(isAlive(pid)).toBe(false);
  });

  it("of a file llama.cpp will not have carries llama.cpp's reason", async () => {
    const { engine } = started();
    const tiny = join(folder.path, 'tiny.gguf');
    writeFileSync(tiny, tinyGguf());
    await expect(engine.load(await orderFor('tiny', tiny))).rejects.toMatchObject({
      code: 'MODEL_REJECTED',
      message: expect.stringMatching(/llama.cpp cannot load this model: .*key not found in model/),
    });
    expect(engine.list()).toEqual([]);
  });

  it('on a machine where llama.cpp does not start says so', async () => {
    const { engine } = started({ runnerEntry: fixtureRunner('no-such-runner.ts') });
    await expect(engine.load(await orderFor('m', file))).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      details: { exitCode: 1, log: expect.arrayContaining([expect.stringMatching(/no-such-runner/)]) },
    });
  });
});

describe('a GPU that aborts the process', () => {
  const runnerEntry = fixtureRunner('gpu-crash-runner.ts');

  it('while loading leads to the CPU, with a notice', async () => {
    const { engine, log } = started({ runnerEntry, env: { TABAGENT_GPU: 'auto' } });
    const { model } = await engine.load(await orderFor('m', file, { gpuLayers: 99 }));
    expect(model).toMatchObject({ loadedTo: 'CPU', notice: expect.stringMatching(/GPU could not be used/) });
    expect(log.lines).toContainEqual({
      event: 'engine.crashed',
      fields: expect.objectContaining({ gpu: 'cuda', log: ['CUDA error: the launch timed out'] }),
    });
  });

  it('at the start leads to the CPU, and is not tried again', async () => {
    const env = { TABAGENT_GPU: 'auto', GGML_TEST_ABORT: 'start' };
    const { engine, log } = started({ runnerEntry, env });
    expect((await engine.load(await orderFor('one', file))).model.notice).toMatch(/GPU could not be used/);
    expect((await engine.load(await orderFor('two', file))).model.notice).toBeUndefined();
    expect(log.lines.filter(({ event }) => event === 'engine.not-ready')).toHaveLength(1);
  });

  it('is left alone with TABAGENT_GPU=off', async () => {
    const { engine } = started({ runnerEntry, env: { TABAGENT_GPU: 'off', GGML_TEST_ABORT: 'start' } });
    expect((await engine.load(await orderFor('m', file))).model.notice).toBeUndefined();
  });
});
