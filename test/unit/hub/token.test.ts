import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../host/hub/hub.ts';
import { allowsToken, findToken } from '../../../host/hub/token.ts';
import { readModelOrRepoName } from '../../../host/protocol/model-name.ts';
import { QUICK_LIMITS } from '../../support/cache/cache-fixture.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

describe('findToken', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'tabagent-token-'));
    mkdirSync(join(home, '.cache', 'huggingface'), { recursive: true });
    writeFileSync(join(home, '.cache', 'huggingface', 'token'), 'from-home\n');
    mkdirSync(join(home, 'hf'));
    writeFileSync(join(home, 'hf', 'token'), 'from-hf-home');
    writeFileSync(join(home, 'file'), 'from-path');
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('looks in the same places as huggingface_hub, in the same order', async () => {
    const env: NodeJS.ProcessEnv = { HOME: home };
    expect((await findToken(env))?.token).toBe('from-home');
    env.HF_HOME = join(home, 'hf');
    expect((await findToken(env))?.token).toBe('from-hf-home');
    env.HF_TOKEN_PATH = join(home, 'file');
    expect((await findToken(env))?.token).toBe('from-path');
    env.HF_TOKEN = ' from-env ';
    expect((await findToken(env))?.token).toBe('from-env');
  });

  it.each(['utf8', 'utf16le'] as const)('reads a file that begins with a byte order mark: %s', async (encoding) => {
    writeFileSync(join(home, 'file'), '\uFEFFfrom-path\r\n', encoding);
    expect((await findToken({ HOME: home, HF_TOKEN_PATH: join(home, 'file') }))?.token).toBe('from-path');
  });

  it('finds no token if there is none', async () => {
    expect(await findToken({ HOME: join(home, 'missing') })).toBeUndefined();
    writeFileSync(join(home, 'file'), ' \n');
    expect(await findToken({ HOME: home, HF_TOKEN_PATH: join(home, 'file') })).toBeUndefined();
  });

  it.each(['two\nlines', 'späce', 'with space', 'nul\u0000'])(
    'rejects a token that cannot be sent in a header, without showing it',
    async (token) => {
      await expect(findToken({ HF_TOKEN: token })).rejects.toMatchObject({
        code: 'UNAUTHORIZED',
        message: expect.not.stringContaining(token),
      });
      const file = join(home, 'file');
      writeFileSync(file, token, 'latin1');
      await expect(findToken({ HOME: home, HF_TOKEN_PATH: file })).rejects.toMatchObject({
        code: 'UNAUTHORIZED',
        message: expect.stringContaining(file),
      });
    },
  );
});

describe('a token for a hub over plain HTTP', () => {
  it.each([
    ['https://hub.example', true],
    ['http://hub.example', false],
    ['http://8.8.8.8:80', false],
    ['http://localhost.example', false],
    ['http://127.0.0.1:8080', true],
    ['http://localhost', true],
    ['http://192.168.1.2', true],
    ['http://[::1]:1', true],
  ])('for %s may be sent: %s', (endpoint, allowed) => {
    expect(allowsToken(endpoint, {})).toBe(allowed);
    expect(allowsToken(endpoint, { TABAGENT_HUB_PLAIN_HTTP: '1' })).toBe(true);
  });

  it('is not sent to other computers, unless the user allows it, and the error explains why', async () => {
    const seen: (string | undefined)[] = [];
    // A proxy receives the request for any host name.
    const proxy = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401).end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const env = { HF_TOKEN: 'secret', HTTP_PROXY };
      const options = { endpoint: 'http://hub.example', limits: QUICK_LIMITS, log: new RecordedLog() };
      const repo = readModelOrRepoName({ repoId: 'a/b' });
      if ('file' in repo) throw new TypeError('expected a repository');
      await expect(new Hub({ ...options, env }).repoFiles(repo, {})).rejects.toMatchObject({
        code: 'UNAUTHORIZED',
        message: expect.stringContaining('TABAGENT_HUB_PLAIN_HTTP=1'),
      });
      expect(seen).toEqual([undefined]);
      const allowed = new Hub({ ...options, env: { ...env, TABAGENT_HUB_PLAIN_HTTP: '1' } });
      await expect(allowed.repoFiles(repo, {})).rejects.toThrow();
      expect(seen[1]).toBe('Bearer secret');
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});
