import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { startHub } from '../../support/hub/hub.ts';

let workshop: HostFixture;
beforeEach(async () => {
  workshop = await HostFixture.open();
});
afterEach(() => workshop.close());

const MODEL = 'maker/story/story.gguf';

function putModel(): void {
  const folder = join(workshop.home, 'models', 'maker', 'story');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'story.gguf'), markovModel());
}

function configure(config: object, mode = 0o600): void {
  const file = join(workshop.home, 'config.json');
  writeFileSync(file, JSON.stringify(config), { mode });
  chmodSync(file, mode);
}

describe('the resource actions of the original host', () => {
  it('estimate a downloaded model, and one that is only on the hub', async () => {
    putModel();
    const hub = await startHub({ repos: { 'far/away': { files: { 'story.gguf': markovModel() } } } });
    try {
      const host = workshop.host({ env: { HF_ENDPOINT: hub.url, TABAGENT_GPU: 'off' } });
      const here = await host.request('estimate_model_size', { model_path: MODEL, n_ctx: 256 });
      expect(here).toMatchObject({
        status: 'success',
        model_id: MODEL,
        n_ctx: 256,
        can_load: true,
        options: [{ strategy: 'full_ram', vram_layers: 0, vram_mb: 0 }],
        would_fit: [],
      });
      const { estimate, options } = here;
      expect(options[0].ram_layers).toBe(estimate.layer_count);
      expect(estimate.total_size_mb).toBe(estimate.ram_required_mb + estimate.vram_required_mb);
      const { estimate: far } = await host.request('ESTIMATE_MODEL_SIZE', { modelPath: 'far/away', n_ctx: 256 });
      expect(far).toEqual(estimate);
      const { estimate: longer } = await host.request('ESTIMATE_MODEL_SIZE', { modelPath: MODEL, n_ctx: 65_536 });
      expect(longer.total_size_mb).toBeGreaterThan(estimate.total_size_mb);
      expect(await host.request('ESTIMATE_MODEL_SIZE', {})).toMatchObject({ code: 'INVALID_REQUEST' });
    } finally {
      await hub.close();
    }
  });

  it('report the memory of the computer and of each model, and the active model', async () => {
    putModel();
    const host = workshop.host();
    expect(await host.request('LIST_LOADED_MODELS')).toMatchObject({
      status: 'success',
      models: [],
      total: 0,
      active_model_id: null,
      by_backend: {},
    });
    await host.request('LOAD_MODEL', { modelPath: MODEL, settings: { n_gpu_layers: 0, n_threads: 1, n_ctx: 128 } });
    expect(await host.request('LIST_LOADED_MODELS')).toMatchObject({
      models: [{ model_id: MODEL, backend: 'Node-GGUF', is_active: true, loaded_to: 'CPU' }],
      total: 1,
      active_model_id: MODEL,
      by_backend: { 'Node-GGUF': 1 },
    });
    const { resources, allocations, loaded_models_count } = await host.request('QUERY_RESOURCES');
    expect(loaded_models_count).toBe(1);
    expect(allocations[MODEL]).toMatchObject({ backend: 'Node-GGUF', vram_mb: 0 });
    expect(resources.ram_used_mb + resources.ram_available_mb).toBeCloseTo(resources.ram_total_mb, -1);
    expect(await host.request('select_active_model', { model_id: MODEL })).toMatchObject({
      message: `Active model set to: ${MODEL}`,
      active_model_id: MODEL,
    });
    expect(await host.request('SELECT_ACTIVE_MODEL', { model_id: 'a/b/c.gguf' })).toMatchObject({
      code: 'MODEL_NOT_LOADED',
    });
  });

  it('list the recipes and the registered models', async () => {
    const host = workshop.host();
    const recipes = await host.request('GET_RECIPES');
    expect(recipes.total).toBe(recipes.recipes.length);
    expect(recipes.recipes).toContainEqual(expect.objectContaining({ recipe: 'bitnet-cpu', backend: 'Node-BitNet' }));
    const { payload } = await host.request('GET_REGISTERED_MODELS');
    expect(Object.keys(payload.models)).toHaveLength(payload.total);
    expect(payload.total).toBeGreaterThan(0);
  });
});

describe('the token', () => {
  const SECRET = 'hf_canary0123456789';

  it('is saved, used for the hub, reported with its source, never shown, and removed when cleared', async () => {
    const hub = workshop.use(
      await startHub({ token: SECRET, repos: { 'a/b': { gated: true, files: { 'm.gguf': markovModel() } } } }),
    );
    const env = { HF_ENDPOINT: hub.url };
    const host = workshop.host({ env });
    expect(await host.request('GET_HF_TOKEN_STATUS')).toMatchObject({ has_token: false, source: null, kept: false });
    expect(await host.request('SET_HF_TOKEN', { token: SECRET })).toMatchObject({
      status: 'success',
      has_token: true,
      source: join(workshop.home, 'secrets.json'),
      endpoint: hub.url,
    });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: 'a/b/m.gguf' })).toMatchObject({ status: 'success' });

    const again = workshop.host({ env });
    expect(await again.request('GET_HF_TOKEN_STATUS')).toMatchObject({ has_token: true, kept: true });
    expect(await again.request('CLEAR_HF_TOKEN')).toMatchObject({ has_token: false, message: 'Token removed' });
    expect(await host.request('GET_HF_TOKEN_STATUS')).toMatchObject({ has_token: false });
    expect(JSON.stringify([...host.received, ...again.received])).not.toContain(SECRET);
    await Promise.all([host.close(), again.close()]);
    // Everything in the home folder, including the log. The token has been removed from its file.
    for (const file of readdirSync(workshop.home, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name)).includes(SECRET)).toBe(false);
    }
  });

  it('is stored in a file that only the user can read', async () => {
    const host = workshop.host();
    await host.request('SET_HF_TOKEN', { token: SECRET });
    expect(statSync(join(workshop.home, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('in HF_TOKEN takes precedence over the saved one, as the reply reports', async () => {
    const host = workshop.host({ env: { HF_TOKEN: 'hf_from_environment' } });
    expect(await host.request('SET_HF_TOKEN', { token: SECRET })).toMatchObject({
      source: 'HF_TOKEN',
      kept: true,
      message: expect.stringContaining('HF_TOKEN'),
    });
  });

  it.each(['', 'two words', 'line\nbreak', 'ünï', 7, null])('%j is refused without being repeated', async (token) => {
    const host = workshop.host();
    const reply = await host.request('SET_HF_TOKEN', { token });
    expect(reply).toMatchObject({ code: 'INVALID_REQUEST', details: { field: 'token' } });
    if (typeof token === 'string' && token.length > 3) expect(JSON.stringify(reply)).not.toContain(token);
  });
});

describe('EXECUTE_COMMAND', () => {
  it.each([
    ['an absent list', {}],
    ['an empty list', { allowedCommands: [] }],
    ['a list of others', { allowedCommands: [['echo', 'other']] }],
  ])('runs nothing with %s', async (_what, config) => {
    configure(config);
    const host = workshop.host();
    expect(await host.request('EXECUTE_COMMAND', { command: 'echo Hello from native host' })).toMatchObject({
      status: 'error',
      code: 'COMMAND_NOT_ALLOWED',
      message: expect.stringMatching(/^This command is not allowed/),
    });
  });

  it('runs exactly the listed commands, without a shell', async () => {
    configure({
      allowedCommands: [
        ['echo', '$HOME', ';', 'false'],
        ['sh', '-c', 'echo out; echo err >&2; exit 3'],
      ],
    });
    const host = workshop.host({ env: { SECRET_CANARY: 'canary' } });
    expect(await host.request('execute_command', { command: 'echo $HOME ; false' })).toMatchObject({
      status: 'success',
      command: 'echo $HOME ; false',
      stdout: '$HOME ; false\n',
      stderr: '',
      returncode: 0,
    });
    expect(await host.request('EXECUTE_COMMAND', { command: 'sh -c echo out; echo err >&2; exit 3' })).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      returncode: 3,
    });
    expect(await host.request('EXECUTE_COMMAND', { command: 'echo $HOME' })).toMatchObject({
      code: 'COMMAND_NOT_ALLOWED',
    });
  });

  it('passes no secrets to a command, and truncates its output', async () => {
    configure({ allowedCommands: [['env'], ['sh', '-c', 'yes | head -c 300000']] });
    const host = workshop.host({ env: { HF_TOKEN: 'hf_canary' } });
    expect((await host.request('EXECUTE_COMMAND', { command: 'env' })).stdout).not.toContain('canary');
    const { stdout } = await host.request('EXECUTE_COMMAND', { command: 'sh -c yes | head -c 300000' });
    expect(stdout).toHaveLength(64 * 1024 + 4);
    expect(stdout).toMatch(/\[…\]$/);
  });

  it('kills a command that runs too long, and its children', async () => {
    configure({ allowedCommands: [['sh', '-c', 'sleep 1000 & wait']], commandTimeoutSeconds: 1 });
    const host = workshop.host();
    expect(await host.request('EXECUTE_COMMAND', { command: 'sh -c sleep 1000 & wait' })).toMatchObject({
      code: 'COMMAND_FAILED',
      details: { timeoutSeconds: 1 },
    });
  });

  it('reports a program that does not exist', async () => {
    configure({ allowedCommands: [['no-such-program-here']] });
    const host = workshop.host();
    expect(await host.request('EXECUTE_COMMAND', { command: 'no-such-program-here' })).toMatchObject({
      code: 'COMMAND_FAILED',
    });
  });

  it('ignores a list that other users can write', async () => {
    configure({ allowedCommands: [['echo', 'x']] }, 0o666);
    const host = workshop.host();
    expect(await host.request('EXECUTE_COMMAND', { command: 'echo x' })).toMatchObject({ code: 'CONFIG_UNUSABLE' });
  });
});
