import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ModelChange } from '../../../host/models/model-registry.ts';
import { fixtureRunner, isAlive, loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';

const folder = tempFolder('faults');
const file = join(folder.path, 'markov.gguf');
const hosts: TestModels[] = [];

beforeAll(() => writeFileSync(file, markovModel()));
afterEach(() => Promise.all(hosts.splice(0).map((host) => host.close())));
afterAll(() => folder.remove());

function started(options: ConstructorParameters<typeof TestModels>[0] = {}): TestModels {
  const host = new TestModels(options);
  hosts.push(host);
  return host;
}

/** Returns an engine whose warm runner is suspended by a signal, so that a load makes no progress. */
async function withStoppedRunner(): Promise<{ host: TestModels; pid: number }> {
  const host = started();
  const ready = host.log.next('engine.runner-ready');
  host.engine.warm();
  const pid = host.engine.warmPid;
  await ready;
  if (pid === undefined) throw new Error('There is no warm runner');
  process.kill(pid, 'SIGSTOP');
  return { host, pid };
}

function nextChange(host: TestModels): Promise<ModelChange> {
  return new Promise((resolve) => {
    const stop = host.models.onChange((change) => {
      stop();
      resolve(change);
    });
  });
}

describe('a runner that is killed', () => {
  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'by %s while it holds a model is a change of state, and others stay',
    async (signal) => {
      const host = started();
      await host.load(await loadRequest('stays', file));
      await host.load(await loadRequest('dies', file));
      const change = nextChange(host);
      process.kill(host.pidOf('dies') ?? 0, signal);
      expect(await change).toMatchObject({
        type: 'lost',
        id: 'dies',
        activeId: 'stays',
        error: { code: 'ENGINE_CRASHED', details: { signal, exitCode: null } },
      });
      expect(host.models.list().map(({ id }) => id)).toEqual(['stays']);
      await expect(host.models.unload('dies')).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' });
      await host.load(await loadRequest('dies', file));
      expect(host.models.activeId).toBe('dies');
    },
  );

  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'by %s while it loads is an error, and the next load works',
    async (signal) => {
      const { host, pid } = await withStoppedRunner();
      const request = await loadRequest('m', file);
      const loading = host.load(request);
      // Before that, the load would start another runner.
      while (host.engine.warmPid === pid) await setImmediate();
      process.kill(pid, signal);
      process.kill(pid, 'SIGCONT');
      await expect(loading).rejects.toMatchObject({ code: 'ENGINE_CRASHED', details: { signal } });
      expect(host.models.isLoading('m')).toBe(false);
      await expect(host.load(request)).resolves.toMatchObject({ alreadyLoaded: false });
    },
  );

  it('while it is idle is replaced by a new one', async () => {
    const host = started();
    const ready = host.log.next('engine.runner-ready');
    host.engine.warm();
    const pid = host.engine.warmPid;
    await ready;
    const gone = host.log.next('engine.warm-runner-exited');
    process.kill(pid ?? 0, 'SIGKILL');
    expect(await gone).toMatchObject({ runner: pid });
    await expect(host.load(await loadRequest('m', file))).resolves.toMatchObject({ alreadyLoaded: false });
  });
});

describe('a load', () => {
  it('ends its process when it is cancelled', async () => {
    const { host, pid } = await withStoppedRunner();
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const loading = host.load(await loadRequest('m', file), { signal: controller.signal });
    // The warm runner has received the load by then.
    await setImmediate();
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
    expect(isAlive(pid)).toBe(false);
    expect(host.models.isLoading('m')).toBe(false);
    // The load did not wait for the runner to respond.
    expect(host.log.lines.map(({ event }) => event)).not.toContain('engine.warm-runner-stuck');
  });

  it('continues for the remaining callers when one leaves', async () => {
    const { host, pid } = await withStoppedRunner();
    const request = await loadRequest('m', file);
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const leaving = host.load(request, { signal: controller.signal });
    const staying = host.load(request);
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    process.kill(pid, 'SIGCONT');
    await expect(staying).resolves.toMatchObject({ model: { id: 'm' } });
  });

  it('with a context that exceeds any memory is rejected immediately', async () => {
    const host = started();
    const request = await loadRequest('m', file, { contextSize: 2_000_000_000 });
    await expect(host.load(request)).rejects.toMatchObject({ code: 'INVALID_REQUEST', details: { field: 'n_ctx' } });
    expect(host.models.isLoading('m')).toBe(false);
  });

  it('does not start if it is already aborted', async () => {
    const host = started();
    const reason = new Error('too late');
    await expect(host.load(await loadRequest('m', file), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(host.models.isLoading('m')).toBe(false);
  });

  it('that makes no progress fails, and its process ends', async () => {
    const host = started({ runnerEntry: fixtureRunner('silent-runner.ts'), loadTimeoutMs: 400 });
    host.engine.warm();
    const pid = host.engine.warmPid;
    await expect(host.load(await loadRequest('m', file))).rejects.toMatchObject({
      code: 'LOAD_TIMEOUT',
      details: { file: 'markov.gguf', timeoutMs: 400 },
    });
    expect(isAlive(pid)).toBe(false);
  });

  it("of a file that llama.cpp rejects fails with llama.cpp's reason", async () => {
    const host = started();
    const tiny = join(folder.path, 'tiny.gguf');
    writeFileSync(tiny, tinyGguf());
    await expect(host.load(await loadRequest('tiny', tiny))).rejects.toMatchObject({
      code: 'MODEL_REJECTED',
      message: expect.stringMatching(/llama.cpp cannot load this model: .*key not found in model/),
    });
    expect(host.models.list()).toEqual([]);
  });

  it('is reported if llama.cpp does not start', async () => {
    const host = started({ runnerEntry: fixtureRunner('no-such-runner.ts') });
    await expect(host.load(await loadRequest('m', file))).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      details: { exitCode: 1, log: expect.arrayContaining([expect.stringMatching(/no-such-runner/)]) },
    });
  });
});

describe('a GPU that aborts the process', () => {
  const runnerEntry = fixtureRunner('gpu-crash-runner.ts');

  it('during a load falls back to the CPU, with a notice', async () => {
    const host = started({ runnerEntry, env: { TABAGENT_GPU: 'auto' } });
    const { model } = await host.load(await loadRequest('m', file, { gpuLayers: 99 }));
    expect(model).toMatchObject({ loadedTo: 'CPU', notice: expect.stringMatching(/GPU could not be used/) });
    expect(host.log.lines).toContainEqual({
      event: 'engine.load-failed',
      fields: expect.objectContaining({ gpu: 'cuda', log: ['CUDA error: the launch timed out'] }),
    });
  });

  it('at startup falls back to the CPU, and does not try again', async () => {
    const env = { TABAGENT_GPU: 'auto', GGML_TEST_ABORT: 'start' };
    const host = started({ runnerEntry, env });
    expect((await host.load(await loadRequest('one', file))).model.notice).toMatch(/GPU could not be used/);
    expect((await host.load(await loadRequest('two', file))).model.notice).toBeUndefined();
    expect(host.log.lines.filter(({ event }) => event === 'engine.runner-failed')).toHaveLength(1);
  });

  it('is not used with TABAGENT_GPU=off', async () => {
    const host = started({ runnerEntry, env: { TABAGENT_GPU: 'off', GGML_TEST_ABORT: 'start' } });
    expect((await host.load(await loadRequest('m', file))).model.notice).toBeUndefined();
  });
});
