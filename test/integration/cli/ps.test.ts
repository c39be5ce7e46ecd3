import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { payloadOf } from '../../support/host/payload-of.ts';

const ID = 'tabagent/markov-gguf/markov.gguf';
const SETTINGS = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };

describe('tabagent ps', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const folder = join(fixture.home, 'models', 'tabagent', 'markov-gguf');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'markov.gguf'), markovModel());
  });
  afterEach(() => fixture.close());

  const tabagent = (...typed: string[]) => runCommand(typed, { home: fixture.home });
  const hosts = async () => JSON.parse((await tabagent('ps', '--json')).stdout).hosts;

  it('lists the models that are loaded in any host', async () => {
    expect(await tabagent('ps')).toMatchObject({ code: 0, stdout: '', stderr: 'No models are loaded.\n' });
    const [one, two] = [fixture.host(), fixture.host()];
    // Other settings prevent the second host from using the model of the first.
    for (const [host, n_ctx] of [
      [one, 256],
      [two, 128],
    ] as const) {
      const settings = { ...SETTINGS, n_ctx };
      expect(await host.request('LOAD_MODEL', { modelId: ID, settings })).toMatchObject({ status: 'success' });
    }
    expect(new Set((await hosts()).map(({ pid }: { pid: number }) => pid))).toEqual(new Set([one.pid, two.pid]));
    const listed = payloadOf('LIST_HOSTS', await one.request('LIST_HOSTS'));
    // A host that lists itself must still be listed by others.
    expect(payloadOf('LIST_HOSTS', await two.request('LIST_HOSTS')).hosts).toEqual(listed.hosts);
    const own = payloadOf('GET_LOADED_MODELS', await one.request('GET_LOADED_MODELS'));
    expect(listed.hosts.find(({ pid }) => pid === one.pid)?.models).toEqual(own.models);
    expect((await tabagent('ps')).stdout).toMatch(new RegExp(`\n${ID} +CPU +\\S+ MB +0 B +256 +\\d+ s +\\d+\n`));

    // The entry of a host disappears when the host is killed, and when it unloads the model.
    await one.kill();
    expect((await hosts()).map(({ pid }: { pid: number }) => pid)).toEqual([two.pid]);
    await two.request('UNLOAD_MODEL', { modelId: ID });
    await two.close();
    expect(await hosts()).toEqual([]);
    expect(await readdir(join(fixture.home, 'hosts'))).toEqual([]);
  });

  it('lists a model that another host uses, and rm does not delete it', async () => {
    const host = fixture.host();
    await host.request('LOAD_MODEL', { modelId: ID, settings: SETTINGS });
    expect(await tabagent('rm', ID)).toMatchObject({ code: 1, stderr: expect.stringContaining('MODEL_IN_USE') });
    await host.close();
    expect(await tabagent('rm', ID)).toMatchObject({ code: 0 });
  });
});
