import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { RunnerProcess } from '../../../host/engine/runner-process.ts';
import { RunnerStarter } from '../../../host/engine/runner-starter.ts';
import { bubblewrap } from '../../../host/engine/sandbox/bubblewrap.ts';
import { Containment, findContainment } from '../../../host/engine/sandbox/containment.ts';
import { filesOf } from '../../../host/engine/sandbox/visible-files.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import type { Probe, ProbeResult } from '../../support/engine/probe-runner.ts';
import {
  fixtureRunner,
  isAlive,
  loadRequest,
  REAL_RUNNER,
  TestModels,
  WatchedLog,
} from '../../support/engine/test-models.ts';
import { findProgram } from '../../support/find-program.ts';
import { markovModel, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

/**
 * Returns why bubblewrap cannot be tested: it is missing, or the system does not allow namespaces, as in many
 * containers.
 */
function missing(): string | undefined {
  const program = findProgram('bwrap');
  if (program === undefined) return 'bubblewrap is not installed';
  try {
    execFileSync(program, ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '/bin/true']);
    return undefined;
  } catch {
    return 'bubblewrap cannot make namespaces here';
  }
}

const PROBE = fixtureRunner('probe-runner.ts');

describeUnless('with bubblewrap', missing(), () => {
  const folder = tempFolder('sandbox');
  const home = join(folder.path, 'home');
  const models = join(home, 'models');
  const linked = join(folder.path, 'disk');
  const model = join(models, 'm.gguf');
  const secret = join(home, 'secrets.json');
  const server = createServer((socket) => socket.end());
  const runners: RunnerProcess[] = [];

  beforeAll(async () => {
    mkdirSync(models, { recursive: true });
    mkdirSync(linked);
    writeFileSync(model, 'weights');
    writeFileSync(secret, 'secret');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => void (await Promise.all(runners.splice(0).map((runner) => runner.kill()))));
  afterAll(() => {
    server.close();
    folder.remove();
  });

  const env = { PATH: process.env.PATH, HOME: home };
  async function starterOf(
    entry: URL,
    more: { containment?: Containment; env?: NodeJS.ProcessEnv; hasGpu?: boolean } = {},
  ) {
    const { containment = await findContainment({ env, entry, home }) } = more;
    return new RunnerStarter({
      entry,
      env: { ...env, ...more.env },
      containment,
      modelFolders: () => [models],
      hidden: [home],
      mayHaveGpu: () => more.hasGpu ?? false,
      log: new WatchedLog(),
    });
  }
  async function probe(runner: RunnerProcess): Promise<ProbeResult> {
    runners.push(runner);
    const { port } = server.address() as AddressInfo;
    const asked: Probe = { port, secret, model };
    return JSON.parse((await runner.call('render', { prompt: JSON.stringify(asked) })).prompt);
  }

  it('a runner has no network and no privileges, sees models but no secrets, and cannot write', async () => {
    const starter = await starterOf(PROBE);
    expect(await probe(starter.startWarm('off'))).toEqual({
      connects: false,
      readsSecret: false,
      model: 'weights',
      writesModel: false,
      writesHome: false,
      writesSystem: false,
      // The sandbox's own and the runner.
      processes: 2,
      noNewPrivileges: true,
      capabilities: '0000000000000000',
    });
    expect(readFileSync(model, 'utf8')).toBe('weights');
  });

  it('a runner for one model cannot see others', async () => {
    const other = join(models, 'other.gguf');
    writeFileSync(other, '');
    const starter = await starterOf(PROBE);
    expect(await probe(await starter.startFor('off', await filesOf([other])))).not.toHaveProperty('model');
    expect(await probe(await starter.startFor('off', await filesOf([model])))).toMatchObject({ model: 'weights' });
  });

  it('runners are started without it if they fail to start in it', async () => {
    const containment = brokenSandbox(folder.path);
    const starter = await starterOf(PROBE, { containment });
    expect(await probe(await starter.startFor('off', await filesOf([model])))).toMatchObject({ connects: true });
    const reason = "no model's process starts in it (bwrap: no namespaces for you)";
    expect(containment.status).toEqual({ kind: undefined, reason });
  });

  it('runners are started without it if it prevents the use of a GPU, and otherwise with it', async () => {
    const containment = await findContainment({ env, entry: PROBE, home });
    const starter = await starterOf(PROBE, { containment, env: { GGML_TEST_SANDBOX: 'gpu' }, hasGpu: true });
    expect(await probe(await starter.startFor('auto', await filesOf([model])))).toMatchObject({ connects: true });
    expect(containment.status).toEqual({ kind: undefined, reason: 'the GPU cannot be used in it' });
    const without = await starterOf(PROBE, { env: { GGML_TEST_SANDBOX: 'gpu' }, hasGpu: false });
    expect(await probe(await without.startFor('auto', await filesOf([model])))).toMatchObject({ connects: false });
  });

  it('runners are still started in it after one was killed', async () => {
    const starter = await starterOf(PROBE);
    const killed = starter.startWarm('off');
    await killed.kill();
    await starter.tried();
    expect(await probe(starter.startWarm('off'))).toMatchObject({ connects: false });
  });

  it('models load and generate, also from a linked folder, and a crash reports its signal', async () => {
    const file = join(linked, 'story.gguf');
    writeFileSync(file, markovModel());
    symlinkSync(linked, join(models, 'owner'));
    const containment = await findContainment({ env, entry: REAL_RUNNER, home });
    const host = new TestModels({ containment, modelFolders: () => [models] });
    try {
      host.engine.warm();
      await host.log.next('engine.runner-ready');
      await host.load(await loadRequest('story', join(models, 'owner', 'story.gguf')));
      const request = {
        input: { prompt: '' },
        maxNewTokens: 100,
        stop: [],
        sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 },
      };
      expect(await host.models.generate('story', request)).toMatchObject({ text: STORY_GREEDY });
      expect(host.engine.containment).toEqual({ kind: 'bubblewrap', reason: undefined });
      const lost = Promise.withResolvers<unknown>();
      host.models.onChange((change) => lost.resolve('error' in change ? change.error : undefined));
      process.kill(lastChild(host.pidOf('story') ?? 0), 'SIGSEGV');
      expect(await lost.promise).toMatchObject({
        code: 'ENGINE_CRASHED',
        details: { signal: 'SIGSEGV', file: 'story.gguf' },
      });
    } finally {
      await host.close();
    }
  });

  it.each(['sandbox', 'setpriv'])('a killed host leaves no runner behind that was stopped (%s)', async (how) => {
    const file = join(linked, 'left.gguf');
    writeFileSync(file, markovModel());
    const host = fork(fileURLToPath(fixtureRunner('load-and-wait.ts')), [file, how], { execArgv: [] });
    const [pids] = (await once(host, 'message')) as [number[]];
    const all = pids.flatMap((pid) => [pid, ...childrenOf(pid)]);
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    host.kill('SIGKILL');
    await once(host, 'exit');
    while (all.some(isRunning)) await nextTurn();
    expect(all.map(isRunning)).toEqual(all.map(() => false));
  });
});

function childrenOf(pid: number): number[] {
  const own = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number);
  return own.flatMap((child) => [child, ...childrenOf(child)]);
}

function lastChild(pid: number): number {
  return childrenOf(pid).at(-1) ?? pid;
}

/** Returns whether a process is running. A zombie is still listed after its exit. */
function isRunning(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** Simulates a system that does not allow namespaces. */
function brokenSandbox(folder: string): Containment {
  const program = join(folder, 'bwrap');
  writeFileSync(program, '#!/bin/sh\necho "bwrap: no namespaces for you" >&2\nexit 1\n');
  chmodSync(program, 0o755);
  return new Containment({ sandbox: bubblewrap({ program, runtime: [], devices: [], driverCache: undefined }) });
}
