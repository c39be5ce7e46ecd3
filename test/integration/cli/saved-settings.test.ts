import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';

describe('the settings that "tabagent install" saves', () => {
  let home: string;
  let large: string;
  beforeEach(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), 'tabagent-settings-')));
    large = join(home, 'large');
    mkdirSync(join(home, '.mozilla'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  /** Runs a command with only the home folder in its environment, as in a browser or another terminal. */
  const elsewhere = (typed: string[], env: NodeJS.ProcessEnv = {}) =>
    runCommand(typed, { home, env: { TABAGENT_HOME: undefined, OLLAMA_MODELS: undefined, ...env } });
  const install = (env: NodeJS.ProcessEnv) => elsewhere(['install', '--browser', 'firefox'], env);
  const folderOf = async (typed: string[] = ['cache', '--json']) => JSON.parse((await elsewhere(typed)).stdout).folder;
  const settings = async (env: NodeJS.ProcessEnv = {}) => {
    const { findings } = JSON.parse((await elsewhere(['doctor', '--json'], { HF_HUB_OFFLINE: '1', ...env })).stdout);
    return findings.find(({ check }: { check: string }) => check === 'settings of browsers');
  };

  it('apply to every later host of this user', async () => {
    const HF_ENDPOINT = 'http://127.0.0.1:9/mirror';
    expect(await install({ TABAGENT_HOME: large, HF_ENDPOINT })).toMatchObject({ code: 0 });
    expect(await folderOf()).toBe(join(large, 'models'));
    const status = await elsewhere(['call', 'get_hf_token_status']);
    expect(JSON.parse(status.stdout).payload.endpoint).toBe(HF_ENDPOINT);
    // The environment takes precedence, even if a variable is empty.
    const own = await elsewhere(['call', 'get_hf_token_status'], { HF_ENDPOINT: '' });
    expect(JSON.parse(own.stdout).payload.endpoint).toBe('https://huggingface.co');
  });

  it('are kept by an installation without them, and removed by one with empty values', async () => {
    await install({ TABAGENT_HOME: large });
    await install({});
    expect(await folderOf()).toBe(join(large, 'models'));
    await install({ TABAGENT_HOME: '' });
    expect(await folderOf()).not.toBe(join(large, 'models'));
  });

  it('leave no files behind when the host is uninstalled', async () => {
    await install({ TABAGENT_HOME: large });
    const pointer = join(home, '.local', 'share', 'tabagent');
    if (process.platform === 'linux') expect(statSync(join(pointer, 'environment.json')).mode & 0o777).toBe(0o600);
    await elsewhere(['uninstall', '--models']);
    expect(() => statSync(pointer)).toThrow('ENOENT');
    expect(() => statSync(large)).toThrow('ENOENT');
  });

  it('do not replace what the user wrote', async () => {
    mkdirSync(large);
    writeFileSync(join(large, 'environment.json'), '{"HF_HOME": "/srv/hf"}', { mode: 0o600 });
    // Empty, because tests disable the speed measurement.
    await install({ TABAGENT_HOME: large, NO_PROXY: 'intranet', TABAGENT_SPEED_TEST: '' });
    const saved = () => JSON.parse(readFileSync(join(large, 'environment.json'), 'utf8'));
    expect(saved()).toEqual({ HF_HOME: '/srv/hf', NO_PROXY: 'intranet' });
    await elsewhere(['uninstall']);
    expect(saved()).toEqual({ HF_HOME: '/srv/hf', NO_PROXY: 'intranet' });
  });

  it("are compared with the terminal's environment by doctor, without showing passwords", async () => {
    expect(await settings({ TABAGENT_HOME: large })).toMatchObject({
      status: 'warning',
      message: expect.stringContaining(large),
      fix: expect.stringContaining('tabagent install'),
    });
    expect(await settings({ HTTPS_PROXY: 'http://p.example' })).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('HTTPS_PROXY'),
    });
    await install({ HTTPS_PROXY: 'http://ada:geheim@p.example' });
    const finding = await settings();
    expect(finding).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('HTTPS_PROXY=http://ada:…@p.example'),
    });
    expect(finding.message).not.toContain('geheim');
  });

  it('are rejected if they are invalid', async () => {
    mkdirSync(large);
    writeFileSync(join(large, 'environment.json'), '{"LD_PRELOAD": "/tmp/evil.so"}', { mode: 0o600 });
    const ran = await elsewhere(['ls'], { TABAGENT_HOME: large });
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('CONFIG_UNUSABLE') });
    const doctor = JSON.parse((await elsewhere(['doctor', '--json'], { TABAGENT_HOME: large })).stdout);
    expect(doctor).toMatchObject({ ok: false, findings: [{ check: 'configuration', status: 'failed' }] });
  });
});
