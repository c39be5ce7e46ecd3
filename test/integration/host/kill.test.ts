import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const MODEL = { modelPath: `${REPO}/one.gguf` };
const OTHER = { modelPath: `${REPO}/two.gguf` };
const SETTINGS = { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 };

/** Returns the runner processes whose parent is `pid`, from /proc. */
function runnersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a host whose processes are killed', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(
      await startHub({ repos: { [REPO]: { files: { 'one.gguf': markovModel(), 'two.gguf': markovModel() } } } }),
    );
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  it.each(['SIGKILL', 'SIGSEGV'] as const)(
    'goes on when a runner gets %s, without the model it held',
    async (signal) => {
      payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
      payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...OTHER, settings: SETTINGS }));
      await host.request('UNLOAD_MODEL', { modelId: OTHER.modelPath });
      for (const pid of runnersOf(host.pid)) process.kill(pid, signal);

      let reply = await host.request('GET_MODEL_STATE', { modelId: MODEL.modelPath });
      while (reply.status === 'success') reply = await host.request('GET_MODEL_STATE', { modelId: MODEL.modelPath });
      expect(reply).toMatchObject({ code: 'MODEL_NOT_LOADED' });
      expect(payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS })).isReady).toBe(
        true,
      );
    },
  );

  it('can load two models, and unload one without affecting the other', async () => {
    await Promise.all(
      [MODEL, OTHER].map(async (model) =>
        payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...model, settings: SETTINGS })),
      ),
    );
    await host.request('UNLOAD_MODEL', { modelId: MODEL.modelPath });
    const { models } = payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS'));
    expect(models.map((model) => model.model_id)).toEqual([OTHER.modelPath]);
    expect(payloadOf('GET_CURRENT_MODEL', await host.request('GET_CURRENT_MODEL')).currentModel).toBe(OTHER.modelPath);
  });

  it('leaves no runner behind when it exits or is killed', async () => {
    await host.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS });
    const first = runnersOf(host.pid);
    expect(first.length).toBeGreaterThan(0);
    await host.close();
    expect(first.filter(isAlive)).toEqual([]);

    const second = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    await second.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS });
    const runners = runnersOf(second.pid);
    await second.kill('SIGKILL');
    // Orphaned runners exit when their IPC channel closes.
    while (runners.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
  });
});
