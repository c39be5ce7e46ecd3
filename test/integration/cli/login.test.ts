import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';

const TOKEN = ['hf', 'exampleexampleexample'].join('_');

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tabagent-login-'));
});
afterEach(() => rmSync(home, { recursive: true }));

describe('tabagent login and logout', () => {
  it('save a token from stdin, never show it, and remove it', async () => {
    const saved = await runCommand(['login'], { home, input: `${TOKEN}\n` });
    expect(saved).toMatchObject({ code: 0, stderr: '' });
    const status = await runCommand(['call', 'get_hf_token_status'], { home });
    expect(JSON.parse(status.stdout).payload).toMatchObject({ has_token: true, kept: true });
    for (const { stdout, stderr } of [saved, status]) expect(stdout + stderr).not.toContain(TOKEN);
    expect(await runCommand(['logout'], { home })).toMatchObject({ code: 0 });
    const after = await runCommand(['call', 'get_hf_token_status'], { home });
    expect(JSON.parse(after.stdout).payload).toMatchObject({ has_token: false });
  });

  it('reject an empty or invalid token, and one that is passed as an argument', async () => {
    expect(await runCommand(['login'], { home, input: '\n' })).toMatchObject({ code: 2 });
    expect(await runCommand(['login'], { home, input: 'two words\n' })).toMatchObject({ code: 2 });
    expect(await runCommand(['login', TOKEN], { home })).toMatchObject({ code: 2 });
  });
});

describe('tabagent logs', () => {
  it('prints the newest entries, also those of the previous file', async () => {
    mkdirSync(join(home, 'logs'));
    const entry = (n: number) =>
      `${JSON.stringify({ time: `2026-01-0${n}`, level: 'info', event: `event.${n}`, n })}\n`;
    writeFileSync(join(home, 'logs', 'host.log.1'), entry(1) + entry(2));
    writeFileSync(join(home, 'logs', 'host.log'), `${entry(3)}{"cut`);
    expect((await runCommand(['logs'], { home })).stdout).toBe(
      [1, 2, 3].map((n) => `2026-01-0${n} info  event.${n} n=${n}\n`).join(''),
    );
    const { entries } = JSON.parse((await runCommand(['logs', '-n', '3', '--json'], { home })).stdout);
    expect(entries.map(({ n }: { n: number }) => n)).toEqual([2, 3]);
  });

  it('prints the path of the log file if it is empty', async () => {
    const file = join(home, 'logs', 'host.log');
    expect(await runCommand(['logs'], { home })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: `The log ${file} is empty.\n`,
    });
  });
});
