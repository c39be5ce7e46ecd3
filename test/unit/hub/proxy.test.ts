import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
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
  let seen: string[];
  beforeEach(async () => {
    seen = [];
    // A proxy is asked to CONNECT, and passes bytes on from then.
    proxy = createServer().on('connect', (request, client: Socket) => {
      seen.push(request.url ?? '');
      const [host, port] = (request.url ?? '').split(':');
      const server = connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        server.pipe(client).pipe(server);
      });
      for (const socket of [server, client]) socket.on('error', () => [server, client].map((other) => other.destroy()));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => proxy.close(resolve)));

  it.each([
    ['goes through it', {}, true],
    ['does not, where NO_PROXY names the host', { NO_PROXY: '127.0.0.1' }, false],
  ])('%s', async (_what, env, through) => {
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const bench = await CacheBench.open(content, { env: { HTTP_PROXY: address, ...env } });
    try {
      await bench.cache.download(NAME);
      const hosts = [bench.hub.url, bench.hub.cdnUrl].map((url) => new URL(url).host);
      expect(new Set(seen)).toEqual(new Set(through ? hosts : []));
    } finally {
      await bench.close();
      proxy.closeAllConnections();
    }
  });
});
