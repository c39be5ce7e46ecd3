import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const MODEL = { modelId: `${REPO}/markov.gguf` };

describe('tabagent uninstall', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let data: string;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { 'markov.gguf': markovModel() } } } }));
    data = join(fixture.home, 'data');
  });
  afterEach(() => fixture.close());

  const env = () => ({ HF_ENDPOINT: hub.url, TABAGENT_HOME: data, XDG_CONFIG_HOME: join(fixture.home, '.config') });
  const tabagent = (...typed: string[]) => runCommand(typed, { home: fixture.home, env: env() });

  async function use(): Promise<void> {
    await tabagent('install', '--browser', 'chromium', '--extension-id', 'me@here');
    await tabagent('pull', MODEL.modelId);
    await tabagent('call', 'SET_PARAMS', '{"params": {"temperature": 0.5}}');
    await tabagent('fit', 'a/b/c.gguf');
  }

  it('keeps models and settings', async () => {
    await use();
    expect(await tabagent('uninstall')).toMatchObject({ code: 0 });
    expect(JSON.parse((await tabagent('ls', '--json')).stdout).models).toHaveLength(1);
    expect(await readdir(fixture.home)).toEqual(['data']);
  });

  it.each([['install'], ['pull']])('removes everything with --models, after %s', async (first) => {
    if (first === 'pull') await tabagent('pull', MODEL.modelId);
    await use();
    const { code, stdout } = await tabagent('uninstall', '--models');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(join(data, 'models')) });
    expect(await readdir(fixture.home)).toEqual([]);
  });

  it('removes everything from the folder that the cache was moved to, except other files', async () => {
    await use();
    const disk = join(fixture.home, 'disk');
    expect(await tabagent('move', disk)).toMatchObject({ code: 0 });
    await writeFile(join(disk, 'letter.txt'), 'dear');
    const { code, stdout } = await tabagent('uninstall', '--models');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining(join(disk, 'models')) });
    expect(await readdir(fixture.home, { recursive: true })).toEqual(['disk', join('disk', 'letter.txt')]);
  });

  it('keeps other files', async () => {
    await use();
    await mkdir(join(data, 'mine'));
    await writeFile(join(data, 'mine', 'letter.txt'), 'dear');
    expect(await tabagent('uninstall', '--models', '--json')).toMatchObject({ code: 0 });
    expect(await readdir(data, { recursive: true })).toEqual(['mine', join('mine', 'letter.txt')]);
  });

  it.each([['models'], [join('models', 'tabagent')]])(
    'says what it left in the folder that %s is a link to',
    async (link) => {
      const disk = join(fixture.home, 'disk');
      await mkdir(disk);
      await mkdir(join(data, link, '..'), { recursive: true, mode: 0o700 });
      await symlink(disk, join(data, link), 'junction');
      await use();
      expect(await tabagent('uninstall', '--models')).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(`Data: kept ${disk}, to which a link in the data folder led.`),
      });
      expect(await readdir(fixture.home)).toEqual(['disk']);
      expect((await readdir(disk, { recursive: true })).some((name) => name.endsWith('markov.gguf'))).toBe(true);
    },
  );

  it('deletes nothing while a host is running, and reports its process', async () => {
    await use();
    const host = fixture.host({ home: data, env: env() });
    expect(await host.request('GET_DOWNLOADED_MODELS')).toMatchObject({ status: 'success' });
    expect(await tabagent('uninstall', '--models')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`A TabAgent host is running (host process ${host.pid}).`),
    });
    expect(JSON.parse((await tabagent('ls', '--json')).stdout).models).toHaveLength(1);
    await host.close();
    expect(await tabagent('uninstall', '--models')).toMatchObject({ code: 0 });
  });

  it('deletes nothing while a model is loaded', async () => {
    await use();
    const host = fixture.host({ home: data, env: env() });
    const settings = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };
    expect(await host.request('LOAD_MODEL', { ...MODEL, settings })).toMatchObject({ status: 'success' });
    expect(await tabagent('uninstall', '--models')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`host process ${host.pid}`),
    });
    expect(JSON.parse((await tabagent('ls', '--json')).stdout).models).toHaveLength(1);
  });
});
