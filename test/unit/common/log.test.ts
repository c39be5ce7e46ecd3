import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../../host/common/log.ts';
import { itOnPosix } from '../../support/describe-on-posix.ts';

describe('createLogger', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tabagent-log-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('creates the file with the first line', () => {
    const file = join(folder, 'logs', 'host.log');
    const log = createLogger({ file, debug: false });
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
    log.info('started', { port: 1 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ level: 'info', event: 'started', port: 1 });
  });

  itOnPosix('creates a file that only the user can read', 'permission bits', () => {
    const file = join(folder, 'host.log');
    createLogger({ file, debug: false }).info('started');
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('never contains a secret, in any field', () => {
    const file = join(folder, 'host.log');
    const log = createLogger({ file, debug: false });
    const token = ['hf', 'AbCdEfGhIjKlMnOpQrSt'].join('_');
    log.error('fault', {
      error: new Error(`refused ${token}`, { cause: new Error('Authorization: Bearer abc.def') }),
      url: 'https://cdn.example/x?X-Amz-Signature=deadbeef&Signature=cafe',
    });
    const text = readFileSync(file, 'utf8');
    for (const secret of [token, 'abc.def', 'deadbeef', 'cafe']) expect(text).not.toContain(secret);
  });

  it('escapes characters with a meaning outside of JSON', () => {
    const file = join(folder, 'host.log');
    const log = createLogger({ file, debug: false });
    const text = "$(touch PWNED) `touch PWNED` <script>'&\n\r* * * * * root\u001b[2J\u009b2J\u0085\u2028\u202e";
    log.info(text, { [text]: text });
    const line = readFileSync(file, 'utf8');
    expect(JSON.parse(line)).toMatchObject({ event: text, [text]: text });
    expect(line.trimEnd()).toMatch(/^[\x20-\x7e]+$/);
    expect(line).not.toMatch(/[$`<>&']/);
  });

  itOnPosix('writes lines that a shell does not execute', 'a shell', () => {
    const file = join(folder, 'host.log');
    createLogger({ file, debug: false }).info('$(touch PWNED) `touch PWNED`; touch PWNED\ntouch PWNED\r* * * * * root');
    const sourced = spawnSync('/bin/sh', [file], { cwd: folder });
    expect(sourced.error).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['host.log']);
  });

  it('never throws, even if it cannot write', () => {
    const log = createLogger({ file: join(folder, '\0', 'host.log'), debug: false });
    expect(() => log.info('x', { huge: 1n })).not.toThrow();
  });

  it('logs the request in every line, across asynchronous calls', async () => {
    const file = join(folder, 'host.log');
    const log = createLogger({ file, debug: false });
    const work = async (name: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      log.info(name);
    };
    await Promise.all([
      log.withContext({ request: 1 }, () => work('one')),
      log.withContext({ request: 2 }, () => work('two')),
      work('none'),
    ]);
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(Object.fromEntries(lines.map(({ event, request }) => [event, request]))).toEqual({ one: 1, two: 2 });
  });

  it('is renamed at a size limit, so that several hosts share two files of limited size', () => {
    const file = join(folder, 'host.log');
    const logs = [createLogger({ file, debug: false }), createLogger({ file, debug: false })];
    const filler = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 200; i++) logs[i % 2]?.info('grow', { i, filler });
    const [current, moved] = [file, `${file}.1`].map((path) => readFileSync(path, 'utf8'));
    const limit = 5 * 1024 * 1024 + 2 * 66 * 1024;
    expect(current?.length).toBeLessThan(limit);
    expect(moved?.length).toBeLessThan(limit);
    // The renamed file was full: no host renames a file that another one has just started.
    expect(moved?.length).toBeGreaterThan(5 * 1024 * 1024);
    expect(JSON.parse(current?.trim().split('\n').at(-1) ?? '')).toMatchObject({ i: 199 });
  });

  it('continues in a file of limited size if it cannot be renamed', () => {
    const file = join(folder, 'host.log');
    // As on Windows if another program has the old file open.
    mkdirSync(join(`${file}.1`, 'in-the-way'), { recursive: true });
    const log = createLogger({ file, debug: false });
    const filler = 'x'.repeat(64 * 1024);
    let largest = 0;
    for (let i = 0; i < 400; i++) {
      log.info('grow', { i, filler });
      largest = Math.max(largest, statSync(file).size);
    }
    expect(largest).toBeGreaterThan(5 * 1024 * 1024 + 66 * 1024);
    expect(largest).toBeLessThan(10 * 1024 * 1024 + 2 * 66 * 1024);
    const last = readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ i: 399 });
  });
});
