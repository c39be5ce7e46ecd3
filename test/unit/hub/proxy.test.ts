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
    // Plain HTTP: a proxy receives requests with absolute URLs and forwards them.
    proxy = createServer((incoming, outgoing) => {
      seen.push({ url: incoming.url ?? '', authorization: incoming.headers['proxy-authorization'] });
      const { 'proxy-authorization': _own, ...headers } = incoming.headers;
      request(incoming.url ?? '', { method: incoming.method, headers, agent: false }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      })
        .on('error', () => outgoing.destroy())
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
    ['is direct if NO_PROXY lists the host', () => ({ HTTP_PROXY: address(), NO_PROXY: '127.0.0.1' }), false],
    ['is direct to an HTTP hub if only HTTPS_PROXY is set', () => ({ HTTPS_PROXY: address() }), false],
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

  it('sends the credentials in the proxy URL to the proxy only', async () => {
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

  it('names the setting with an invalid URL without showing its value', async () => {
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
