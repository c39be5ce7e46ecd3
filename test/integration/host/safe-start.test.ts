import { chmod, cp, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const MODEL = { modelId: `${REPO}/markov.gguf` };
const SETTINGS = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };
const dist = dirname(dirname(HOST_MAIN));

describe('programs that a host starts, and files that it writes', () => {
  let fixture: HostFixture;
  let program: string;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    program = join(fixture.home, 'program');
    await cp(dist, join(program, 'dist'), { recursive: true });
    await symlink(join(dirname(dist), 'node_modules'), join(program, 'node_modules'));
    const folder = join(fixture.home, 'models', 'tabagent', 'markov-gguf');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'markov.gguf'), markovModel());
  });
  afterEach(() => fixture.close());

  const host = () => fixture.host({ command: [process.execPath, join(program, 'dist/host/main.js')] });

  it('starts a runner from a folder that other users cannot write to', async () => {
    expect(await host().request('LOAD_MODEL', { ...MODEL, settings: SETTINGS })).toMatchObject({ status: 'success' });
  });

  it.each([
    ['the runner', 'dist/host/runner'],
    ['a folder above', 'dist'],
    ['the runner’s script', 'dist/host/runner/runner.js'],
    ['a GPU add-on', 'dist/host/lib/llama/linux-x64-cuda/bins/linux-x64-cuda'],
    ['a binary of an add-on', 'dist/host/lib/llama/linux-x64-cuda/bins/linux-x64-cuda/libggml-cuda.so'],
  ])(
    'starts no runner if others can write to %s, and reports the fix; the rest of the host works',
    async (_what, path) => {
      const addOn = join(program, 'dist/host/lib/llama/linux-x64-cuda/bins/linux-x64-cuda');
      await mkdir(addOn, { recursive: true });
      for (const file of ['a.node', 'libggml-cuda.so']) await writeFile(join(addOn, file), '');
      await chmod(join(program, path), 0o777);
      const started = host();
      expect(await started.request('GET_LOADED_MODELS')).toMatchObject({ status: 'success' });
      expect(await started.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS })).toMatchObject({
        status: 'error',
        code: 'UNSAFE_FOLDER',
        message: expect.stringContaining(`chmod o-w "${join(program, path)}"`),
      });
      expect(await started.request('DELETE_MODEL', MODEL)).toMatchObject({ status: 'success' });
    },
  );

  it('writes no file that another user can read', async () => {
    const files = { 'new.gguf': markovModel() };
    const hub = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
    const home = join(fixture.home, 'fresh');
    const started = fixture.host({ home, env: { HF_ENDPOINT: hub.url } });
    const loaded = await started.request('LOAD_MODEL', { modelId: `${REPO}/new.gguf`, settings: SETTINGS });
    expect(loaded).toMatchObject({ status: 'success' });
    await started.request('SET_PARAMS', { params: { temperature: 0.5 } });
    for (const path of ['', ...(await readdir(home, { recursive: true }))]) {
      // Skips files that the host renames or removes meanwhile.
      const stats = await stat(join(home, path)).catch(() => undefined);
      if (stats !== undefined) expect({ path, others: stats.mode & 0o007 }).toEqual({ path, others: 0 });
    }
    expect((await stat(home)).mode & 0o077).toBe(0);
  });
});
