import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Budget } from '../../../host/engine/budget.ts';
import type { ownMemory } from '../../../host/engine/process-memory.ts';
import { runnerEnv } from '../../../host/engine/runner-env.ts';
import { RunnerProcess } from '../../../host/engine/runner-process.ts';
import type { GenerateRequest } from '../../../host/models/generation.ts';
import {
  fixtureRunner,
  isAlive,
  loadRequest,
  REAL_RUNNER,
  SETTINGS,
  TestModels,
} from '../../support/engine/test-models.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { string } from '../../support/gguf/write-gguf.ts';

const folder = tempFolder('budget');
/** A model whose tokenizer endlessly allocates memory for text that starts like a token and continues differently. */
const endless = join(folder.path, 'endless.gguf');
const good = join(folder.path, 'good.gguf');
const ENDLESS_PROMPT = '<';

const request = (prompt: string): GenerateRequest => ({
  input: { prompt },
  maxNewTokens: 5,
  stop: [],
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 },
});

const UNLIMITED: Budget = {
  file: 'endless.gguf',
  memoryBytes: 2 ** 40,
  mappedBytes: 0,
  loadMs: 0,
  stepMs: () => 600_000,
  contextBytes: () => 0,
};

beforeAll(() => {
  writeFileSync(endless, markovModel({ metadata: { 'tokenizer.ggml.model': string('rwkv') } }));
  writeFileSync(good, markovModel());
});
afterAll(() => folder.remove());

describe('a runner', () => {
  const runners: RunnerProcess[] = [];
  afterEach(async () => void (await Promise.all(runners.splice(0).map((runner) => runner.kill()))));

  async function loaded(budget: Partial<Budget>, more: { entry?: URL; readMemory?: typeof ownMemory } = {}) {
    const { entry = REAL_RUNNER, readMemory } = more;
    const memory = readMemory === undefined ? {} : { readMemory };
    const runner = new RunnerProcess({ entry, gpu: 'off', env: runnerEnv(process.env), ...memory });
    runners.push(runner);
    runner.limit({ ...UNLIMITED, ...budget });
    await runner.call('load', { file: endless, settings: SETTINGS });
    return runner;
  }
  const hang = (runner: RunnerProcess) =>
    runner.call('generate', { work: 1, request: request(ENDLESS_PROMPT) }).catch((error: unknown) => error);

  it('that hangs in llama.cpp is killed, and the error names the file and the step', async () => {
    const runner = await loaded({ stepMs: ({ kind }) => (kind === 'tokenize' ? 300 : 600_000) });
    expect(await hang(runner)).toMatchObject({
      code: 'ENGINE_ENDED',
      message: expect.stringMatching(/^endless\.gguf made no progress .* while splitting a text into tokens/),
      details: { reason: 'progress', file: 'endless.gguf', doing: 'splitting a text into tokens' },
    });
    expect(await runner.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  it('that hangs and uses more memory than its model requires is killed', async () => {
    const runner = await loaded({ memoryBytes: 250e6 });
    expect(await hang(runner)).toMatchObject({
      code: 'ENGINE_ENDED',
      details: { reason: 'memory', file: 'endless.gguf', limitBytes: 250e6, bytes: expect.any(Number) },
    });
  });

  it('reports its memory if the host cannot read it', async () => {
    const runner = await loaded({}, { readMemory: () => undefined });
    runner.limit({ ...UNLIMITED, memoryBytes: 1 });
    await runner.exited;
    await expect(runner.call('memory', null)).rejects.toMatchObject({ details: { reason: 'memory', limitBytes: 1 } });
  });

  it('that crashes is reported with the file and the step', async () => {
    const runner = await loaded({});
    const result = hang(runner);
    process.kill(runner.pid ?? 0, 'SIGSEGV');
    expect(await result).toMatchObject({
      code: 'ENGINE_CRASHED',
      message: expect.stringMatching(/^The process running endless\.gguf exited unexpectedly on signal SIGSEGV while /),
      details: { file: 'endless.gguf', doing: expect.any(String) },
    });
  });

  it('cannot send an error of unlimited length', async () => {
    const runner = new RunnerProcess({
      entry: fixtureRunner('verbose-runner.ts'),
      gpu: 'off',
      env: runnerEnv(process.env),
    });
    runners.push(runner);
    const error = await runner.call('memory', null).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'MODEL_REJECTED', details: { kept: 'short' } });
    expect(JSON.stringify(error).length + String(error).length).toBeLessThan(12_000);
  });
});

describe('a model', () => {
  const hosts: TestModels[] = [];
  afterEach(async () => void (await Promise.all(hosts.splice(0).map((host) => host.close()))));

  it('that does not stop is killed, and can be loaded again', async () => {
    const host = new TestModels();
    hosts.push(host);
    await host.load(await loadRequest('endless', endless));
    const pid = host.pidOf('endless');
    let result: unknown;
    let isEnded: boolean | undefined = false;
    // A stop that arrives before the native call ends the generation normally. The test then tries again.
    for (let attempt = 0; attempt < 20 && isEnded !== true; attempt++) {
      const answer = host.models.generate('endless', request(ENDLESS_PROMPT)).catch((error: unknown) => error);
      for (let turn = 0; turn <= attempt * 100; turn++) await setImmediate();
      const [stopped] = host.models.stopGenerations({ id: 'endless' });
      isEnded = await stopped?.processEnded;
      result = await answer;
    }
    expect(isEnded).toBe(true);
    expect(result).toMatchObject({ code: 'ENGINE_ENDED', details: { reason: 'stop', file: 'endless.gguf' } });
    expect(isAlive(pid)).toBe(false);
    expect(host.models.list()).toEqual([]);
    await host.load(await loadRequest('endless', endless));
    expect(await host.models.generate('endless', request('once'))).toMatchObject({ finishReason: 'length' });
  });

  it('loads although the warm runner was stopped', async () => {
    const host = new TestModels();
    hosts.push(host);
    host.engine.warm();
    const pid = host.engine.warmPid ?? 0;
    await host.log.next('engine.runner-ready');
    process.kill(pid, 'SIGSTOP');
    await host.load(await loadRequest('good', good));
    expect(host.pidOf('good')).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
  });
});
