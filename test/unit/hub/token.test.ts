import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findToken } from '../../../host/hub/token.ts';

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
