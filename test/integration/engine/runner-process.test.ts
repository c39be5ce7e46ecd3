import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { errorInfo } from '../../../host/common/errors.ts';
import { runnerEnv } from '../../../host/engine/runner-env.ts';
import { RunnerProcess } from '../../../host/engine/runner-process.ts';
import { WarmRunner } from '../../../host/engine/warm-runner.ts';
import { fixtureRunner, isAlive, REAL_RUNNER } from '../../support/engine/test-models.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('runner');
afterAll(() => folder.remove());

function silentRunner(): RunnerProcess {
  return new RunnerProcess({ entry: fixtureRunner('silent-runner.ts'), gpu: 'off', env: runnerEnv(process.env) });
}

describe('a runner', () => {
  it('exits with its host, even when the host is killed', async () => {
    const file = join(folder.path, 'markov.gguf');
    writeFileSync(file, markovModel());
    const host = fork(fileURLToPath(fixtureRunner('load-and-wait.ts')), [file], { execArgv: [] });
    const [pids] = (await once(host, 'message')) as [number[]];
    expect(pids.map(isAlive)).toEqual([true, true]);
    const exited = once(host, 'exit');
    host.kill('SIGKILL');
    await exited;
    // They are not children of this process, so there is no exit event. The test's time limit bounds the wait.
    while (pids.some(isAlive)) await nextTurn();
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  it('rejects every command when it ends', async () => {
    const runner = silentRunner();
    const asked = [runner.call('memory', null), runner.call('memory', null), runner.ready];
    const settled = Promise.allSettled(asked);
    const exit = await runner.kill();
    expect(exit).toMatchObject({ signal: 'SIGKILL', code: null });
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ENGINE_CRASHED' } });
    }
    await expect(runner.call('memory', null)).rejects.toMatchObject({ code: 'ENGINE_CRASHED' });
  });

  it('reports an internal error with details only for the log', async () => {
    const runner = new RunnerProcess({ entry: REAL_RUNNER, gpu: 'off', env: runnerEnv(process.env) });
    try {
      // A request that the host never sends: no model is loaded.
      const error = await runner.call('countTokens', ['text']).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ message: expect.stringContaining('No model is loaded') });
      expect(errorInfo(error)).toEqual({
        code: 'INTERNAL_ERROR',
        message: expect.not.stringContaining('No model is loaded'),
      });
    } finally {
      await runner.kill();
    }
  });

  it('exits after being idle for too long', async () => {
    const started: RunnerProcess[] = [];
    const died: RunnerProcess[] = [];
    const start = () => {
      const runner = silentRunner();
      started.push(runner);
      return runner;
    };
    const warm = new WarmRunner(start, (runner) => died.push(runner), 50);
    warm.warm();
    const [runner] = started;
    expect(warm.pid).toBe(runner?.pid);
    expect(await runner?.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(warm.pid).toBeUndefined();
    // An intended exit is not logged, only an unexpected one.
    expect(died).toEqual([]);
  });
});
