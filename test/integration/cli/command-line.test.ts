import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../host/common/version.ts';
import { collectOutput, type RunOptions, runCommand, startCommand } from '../../support/cli/run-command.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';

describe('the command line', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  const tabagent = (typed: string[], options: Partial<RunOptions> = {}) =>
    runCommand(typed, { home: fixture.home, ...options });

  it.each([['version'], ['--version'], ['-V']])('prints its version for %s', async (typed) => {
    expect(await tabagent([typed])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([[['help']], [['--help']], [['-h']]])('lists the commands for %j', async (typed) => {
    const { code, stdout } = await tabagent(typed);
    expect(code).toBe(0);
    expect(stdout).toContain('pull');
    expect(stdout).toContain('uninstall');
  });

  it('prints the usage of each command, with examples', async () => {
    const asked = await tabagent(['pull', '--help']);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(asked.stdout).toContain('Usage: tabagent pull MODEL [FILE] [options]\n');
    expect(asked.stdout).toContain('Examples:\n');
    expect((await tabagent(['help', 'pull'])).stdout).toBe(asked.stdout);
    expect((await tabagent(['install', '--help'])).stdout).toContain('--extension-id ID');
  });

  it('suggests a command with a similar name', async () => {
    expect(await tabagent(['instal'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Unknown command: instal. Did you mean "install" or "uninstall"?\n'),
    });
    expect((await tabagent(['help', 'pul'])).stderr).toContain('Did you mean "pull"?');
  });

  it('reports invalid options, with the usage of the command', async () => {
    expect(await tabagent(['ls', '--jsno'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Unknown option: --jsno. Did you mean "--json"?\nUsage: tabagent ls'),
    });
    expect((await tabagent(['pull'])).code).toBe(2);
  });

  it('reports an invalid setting by name', async () => {
    const env = { HF_ENDPOINT: 'no address' };
    expect(await tabagent(['ls'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('HF_ENDPOINT must be an http or https URL'),
    });
  });

  it('prints no error when its reader exits early', async () => {
    const child = startCommand(['ls', '--all', '--json'], { home: fixture.home });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  describe('call', () => {
    it('prints the reply that a browser would get', async () => {
      const { code, stdout } = await tabagent(['call', 'get_models_by_type', '{"type": "gguf", "limit": 2}']);
      expect(code).toBe(0);
      const reply = JSON.parse(stdout);
      expect(reply).toMatchObject({ status: 'success', action: 'GET_MODELS_BY_TYPE', payload: { modelType: 'gguf' } });
      expect(reply.payload.models).toHaveLength(2);
    });

    it('reads the fields from stdin, and prints events as JSON Lines', async () => {
      const typed = ['call', 'LOAD_MODEL', '-', '--events'];
      const { code, stdout } = await tabagent(typed, {
        input: '{"modelId": "a/b/c.gguf", "loadId": 7}',
        env: { HF_HUB_OFFLINE: '1' },
      });
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(code).toBe(4);
      expect(lines[0]).toMatchObject({
        type: 'modelWorkerLoadingProgress',
        payload: { status: 'initiate', loadId: 7 },
      });
      expect(lines.at(-1)).toMatchObject({ status: 'error', code: 'OFFLINE' });
    });

    it.each([
      [['call', 'pong'], 'Unknown action: pong. Did you mean "PING"?'],
      [['call', 'ping', '[]'], 'FIELDS must be a JSON object'],
      [['call', 'ping', '{'], 'FIELDS is not valid JSON'],
    ])('rejects %j', async (typed, message) => {
      expect(await tabagent(typed)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
    });
  });

  it('prints help when the host is started manually', async () => {
    const program = [process.execPath, HOST_MAIN].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', program, '/dev/null'], {
      env: { PATH: process.env.PATH, HOME: fixture.home, TABAGENT_HOME: fixture.home, TERM: 'xterm' },
    });
    child.stdin.end();
    const { code, stdout } = await collectOutput(child);
    expect(code).toBe(2);
    expect(stdout).toContain('Runs language models on this computer');
  });
});
