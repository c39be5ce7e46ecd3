import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../host/config.ts';

const runnerEntry = new URL('file:///main.js');
const read = (env: NodeJS.ProcessEnv) => readConfig({ runnerEntry, env });

describe('readConfig', () => {
  it('places everything that the host writes in TABAGENT_HOME', () => {
    const folder = resolve('/somewhere/else');
    const { paths } = read({ TABAGENT_HOME: folder });
    const { home, ...rest } = paths;
    expect(home).toBe(folder);
    for (const path of Object.values(rest)) expect(path.startsWith(join(home, '/'))).toBe(true);
  });

  it('uses the hub that HF_ENDPOINT names', () => {
    expect(read({}).hubEndpoint).toBe('https://huggingface.co');
    expect(read({ HF_ENDPOINT: 'http://127.0.0.1:8080/' }).hubEndpoint).toBe('http://127.0.0.1:8080');
  });

  it.each(['ftp://x', 'not a url', 'https://user:secret@hub.example', 'file:///etc', 'https://hub.example/?a=b'])(
    'refuses the endpoint %s without repeating it',
    (endpoint) => {
      expect(() => read({ HF_ENDPOINT: endpoint })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
      expect(() => read({ HF_ENDPOINT: endpoint })).not.toThrow(new RegExp(endpoint.slice(-8)));
    },
  );

  it.each(['0', '-1', 'soon', '1.5', '99999999999'])('refuses the timeout %s', (value) => {
    expect(() => read({ TABAGENT_STALL_TIMEOUT_MS: value })).toThrow('TABAGENT_STALL_TIMEOUT_MS');
  });
});
