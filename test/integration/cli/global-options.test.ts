import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';

describe('options before the command', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'tabagent-options-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  const tabagent = (...typed: string[]) => runCommand(typed, { home });

  it('have the same effect as after it', async () => {
    const { stdout } = await tabagent('--json', 'version');
    expect(JSON.parse(stdout)).toHaveProperty('version');
    expect((await tabagent('-h', 'pull')).stdout).toBe((await tabagent('pull', '--help')).stdout);
  });

  it.each([['-v'], ['-V'], ['--version']])('%s prints the version', async (option) => {
    expect(await tabagent(option)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('show help, or how to get it, without a command', async () => {
    expect(await tabagent('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('tabagent help COMMAND'),
    });
    expect(JSON.parse((await tabagent('--json', '--help')).stdout)).toHaveProperty('commands');
    expect(await tabagent('--json')).toMatchObject({ code: 2, stdout: '' });
    expect(await tabagent('--unknown')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Unknown option: --unknown.'),
    });
  });
});
