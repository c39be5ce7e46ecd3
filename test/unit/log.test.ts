import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../host/log.ts';

describe('createLogger', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tabagent-log-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('writes nothing until there is something to say, then private to the user', () => {
    const file = join(folder, 'logs', 'host.log');
    const log = createLogger({ file, debug: false });
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
    log.info('started', { port: 1 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ level: 'info', event: 'started', port: 1 });
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('never holds a secret, wherever it stands', () => {
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

  it('never throws, even where it cannot write', () => {
    const log = createLogger({ file: join(folder, '\0', 'host.log'), debug: false });
    expect(() => log.info('x', { huge: 1n })).not.toThrow();
  });
});
