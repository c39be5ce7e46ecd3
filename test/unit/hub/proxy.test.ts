import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isExempt } from '../../../host/hub/proxy.ts';
import { CacheBench, NAME, seededBytes } from '../../support/cache/cache-bench.ts';

describe('isExempt', () => {
  it.each([
    ['hub.example', 'https://hub.example/', true],
    ['.hub.example', 'https://a.hub.example/', true],
    ['hub.example', 'https://a.hub.example/', true],
    ['*.hub.example', 'https://a.hub.example/', true],
    ['hub.example', 'https://nothub.example/', false],
    ['hub.example:443', 'https://hub.example/', true],
    ['hub.example:80', 'https://hub.example/', false],
    ['a.example, HUB.example', 'https://hub.example/', true],
    ['*', 'https://hub.example/', true],
    ['', 'https://hub.example/', false],
    ['127.0.0.1', 'http://127.0.0.1:8080/', true],
  ])('reads NO_PROXY=%s for %s as %s', (noProxy, url, exempt) => expect(isExempt(new URL(url), noProxy)).toBe(exempt));
});

describe('a download through a proxy', () => {
  const content = seededBytes(100_000, 4);
  let proxy: Server;
  let seen: { url: string; authorization: string | undefined }[];
  beforeEach(async () => {
    seen = [];
    // Plain HTTP: a proxy is asked for the whole address, and asks in its turn.
    proxy = createServer((asked, answer) => {
      seen.push({ url: asked.url ?? '', authorization: asked.headers['proxy-authorization'] });
      const { 'proxy-authorization': _own, ...headers } = asked.headers;
      request(asked.url ?? '', { method: asked.method, headers, agent: false }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      })
        .on('error', () => answer.destroy())
        .end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    proxy.closeAllConnections();
    return new Promise((resolve) => proxy.close(resolve));
  });

  const address = (userinfo = '') => `http://${userinfo}127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  it.each<[string, () => NodeJS.ProcessEnv, boolean]>([
    ['goes through HTTP_PROXY', () => ({ HTTP_PROXY: address() }), true],
    ['goes through http_proxy without a scheme', () => ({ http_proxy: address().slice('http://'.length) }), true],
    ['goes through ALL_PROXY', () => ({ ALL_PROXY: address() }), true],
    ['does not, where NO_PROXY names the host', () => ({ HTTP_PROXY: address(), NO_PROXY: '127.0.0.1' }), false],
    ['does not go through HTTPS_PROXY to a plain hub', () => ({ HTTPS_PROXY: address() }), false],
  ])('%s', async (_what, env, through) => {
    const bench = await CacheBench.open(content, { env: env() });
    try {
      await bench.cache.download(NAME);
      const origins = [bench.hub.url, bench.hub.cdnUrl];
      expect(new Set(seen.map(({ url }) => new URL(url).origin))).toEqual(new Set(through ? origins : []));
      if (through) expect(seen).toHaveLength(bench.hub.requests.length);
    } finally {
      await bench.close();
    }
  });

  it('shows the proxy, and nobody else, the name and password in its address', async () => {
    const bench = await CacheBench.open(content, { env: { HTTP_PROXY: address('user:p%40ss@') } });
    try {
      await bench.cache.download(NAME);
      expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(
        new Set([`Basic ${Buffer.from('user:p@ss').toString('base64')}`]),
      );
      expect(bench.hub.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
    } finally {
      await bench.close();
    }
  });

  it('says which setting is wrong where the address is none, and does not show it', async () => {
    const bench = await CacheBench.open(content, { env: { HTTP_PROXY: 'socks5://user:secret@nowhere' } });
    try {
      await expect(bench.cache.download(NAME)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        message: expect.stringMatching(/^(?!.*secret).*HTTP_PROXY/),
      });
    } finally {
      await bench.close();
    }
  });
});
