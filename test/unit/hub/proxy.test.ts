import { createServer, request, type Server } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isExempt } from '../../../host/hub/no-proxy.ts';
import { connectTunnel } from '../../../host/hub/tunnel.ts';
import { CacheFixture, NAME, seededBytes } from '../../support/cache/cache-fixture.ts';

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
    ['127.0.0.1:8080', 'http://127.0.0.1:8080/', true],
    ['127.0.0.1:80', 'http://127.0.0.1:8080/', false],
    ['10.0.0.0/8', 'http://10.1.2.3/', true],
    ['10.0.0.0/8', 'http://11.1.2.3/', false],
    ['10.1.2.3/32', 'http://10.1.2.3/', true],
    ['10.0.0.0/8:8080', 'http://10.1.2.3:8080/', true],
    ['0.0.0.0/0', 'http://10.1.2.3/', true],
    ['10.0.0.0/33', 'http://10.1.2.3/', false],
    ['10.0.0.0/x', 'http://10.1.2.3/', false],
    ['10.0.0.0/8', 'http://10.example/', false],
    ['.0.0.1', 'http://127.0.0.1/', false],
    ['::1', 'http://[::1]/', true],
    ['[::1]', 'http://[::1]:8080/', true],
    ['[::1]:8080', 'http://[::1]:8080/', true],
    ['[::1]:80', 'http://[::1]:8080/', false],
    ['0:0:0:0:0:0:0:1', 'http://[::1]/', true],
    ['fd00::/8', 'http://[fd12:3456::1]/', true],
    ['[fd00::]/8', 'http://[fd12:3456::1]/', true],
    ['fd00::/8', 'http://[fe80::1]/', false],
    ['fd00::/129', 'http://[fd12::1]/', false],
    ['.example.com.', 'https://hub.example.com/', true],
    ['example.com', 'https://hub.example.com./', true],
    ['..', 'https://hub.example/', false],
    ['a.example b.example,,*', 'https://hub.example/', true],
    ['*.example', 'https://example/', true],
    ['host:http', 'https://host/', false],
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
    const fixture = await CacheFixture.open(content, { env: env() });
    try {
      await fixture.cache.download(NAME);
      const origins = [fixture.hub.url, fixture.hub.cdnUrl];
      expect(new Set(seen.map(({ url }) => new URL(url).origin))).toEqual(new Set(through ? origins : []));
      if (through) expect(seen).toHaveLength(fixture.hub.requests.length);
    } finally {
      await fixture.close();
    }
  });

  it('sends the credentials in the proxy URL to the proxy only', async () => {
    const fixture = await CacheFixture.open(content, { env: { HTTP_PROXY: address('user:p%40ss@') } });
    try {
      await fixture.cache.download(NAME);
      expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(
        new Set([`Basic ${Buffer.from('user:p@ss').toString('base64')}`]),
      );
      expect(fixture.hub.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
    } finally {
      await fixture.close();
    }
  });

  it.each([
    [407, {}, /requires authentication.*Add a user name/],
    [403, { 'x-squid-error': 'ERR_ACCESS_DENIED 0' }, /refused the connection \(status 403\)/],
    [502, { 'proxy-status': 'corp; error=dns_error' }, /refused the connection \(status 502\)/],
  ])('reports the proxy if it responds with an error: %d', async (status, headers, message) => {
    proxy.removeAllListeners('request');
    proxy.on('request', (_request, response) => response.writeHead(status, headers).end());
    const fixture = await CacheFixture.open(content, { env: { HTTP_PROXY: address() }, limits: { maxAttempts: 1 } });
    try {
      await expect(fixture.cache.download(NAME)).rejects.toMatchObject({
        code: 'HUB_UNREACHABLE',
        message: expect.stringMatching(message),
        details: { proxy: new URL(address()).host },
      });
    } finally {
      await fixture.close();
    }
  });

  it('reports the proxy without its password if it cannot be reached', async () => {
    const fixture = await CacheFixture.open(content, {
      env: { HTTP_PROXY: 'http://user:secret@127.0.0.1:1' },
      limits: { maxAttempts: 1 },
    });
    try {
      await expect(fixture.cache.download(NAME)).rejects.toMatchObject({
        code: 'HUB_UNREACHABLE',
        message: expect.stringMatching(/^(?!.*secret).*the proxy 127\.0\.0\.1:1: /),
      });
    } finally {
      await fixture.close();
    }
  });

  it('reports a setting with an invalid URL without its value', async () => {
    const fixture = await CacheFixture.open(content, { env: { HTTP_PROXY: 'ftp://user:secret@nowhere' } });
    try {
      await expect(fixture.cache.download(NAME)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        message: expect.stringMatching(/^(?!.*secret).*HTTP_PROXY/),
      });
    } finally {
      await fixture.close();
    }
  });
});

describe('a tunnel', () => {
  let server: Server;
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  /** Starts a proxy that answers CONNECT requests. */
  async function start(answer: (target: string, socket: Duplex, authorization: string | undefined) => void) {
    server = createServer();
    server.on('connect', (request, socket) =>
      answer(request.url ?? '', socket, request.headers['proxy-authorization']),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new URL(`http://user:word@127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  it('is a connection to the server, with the credentials for the proxy', async () => {
    const asked: unknown[] = [];
    const proxy = await start((target, socket, authorization) => {
      asked.push(target, authorization);
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.once('data', (bytes) => socket.end(`got ${bytes}`));
    });
    const socket = await connectTunnel(proxy, 5000)('2001:db8::1', 443);
    socket.write('hello');
    expect(Buffer.concat(await Array.fromAsync(socket)).toString()).toBe('got hello');
    expect(asked).toEqual(['[2001:db8::1]:443', `Basic ${Buffer.from('user:word').toString('base64')}`]);
  });

  it.each([
    [407, false, /requires authentication.*Check the user name/],
    [403, false, /refused the connection \(status 403\)/],
    [503, true, /refused the connection \(status 503\)/],
  ])('reports a proxy that rejects it with %d', async (status, transient, message) => {
    const proxy = await start((_target, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`));
    await expect(connectTunnel(proxy, 5000)('hub.example', 443)).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      transient,
      message: expect.stringMatching(message),
    });
  });

  it('reports a proxy that closes it', async () => {
    const proxy = await start((_target, socket) => socket.destroy());
    await expect(connectTunnel(proxy, 5000)('hub.example', 443)).rejects.toMatchObject({
      message: expect.stringContaining(`the proxy ${proxy.host}`),
      transient: true,
    });
  });
});

describe('a download through a SOCKS proxy', () => {
  const content = seededBytes(100_000, 4);
  const targets: string[] = [];
  let server: NetServer;

  /** A proxy that supports the host's protocols: SOCKS 5 with or without a password, and SOCKS 4a. */
  beforeEach(async () => {
    targets.length = 0;
    server = createNetServer((client) => {
      client.on('error', () => {});
      let step = 0;
      client.on('data', (bytes) => {
        step += 1;
        if (bytes[0] === 4) {
          const [, name = ''] = bytes.subarray(8).toString('latin1').split('\0');
          const ip = [...bytes.subarray(4, 8)].join('.');
          return relay(
            client,
            ip.startsWith('0.0.0.') ? name : ip,
            bytes.readUInt16BE(2),
            Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]),
          );
        }
        if (step === 1) return client.write(Buffer.from([5, bytes.subarray(2).includes(2) ? 2 : 0]));
        if (bytes[0] === 1) return client.write(Buffer.from([1, bytes.includes('word') ? 0 : 1]));
        const isName = bytes[3] === 3;
        const host = isName ? bytes.subarray(5, 5 + (bytes[4] ?? 0)).toString() : [...bytes.subarray(4, 8)].join('.');
        return relay(client, host, bytes.readUInt16BE(bytes.length - 2), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  function relay(client: Socket, host: string, port: number, accepted: Buffer): void {
    targets.push(`${host}:${port}`);
    client.removeAllListeners('data');
    const upstream = connect(port, host, () => {
      client.write(accepted);
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
  }

  const address = (scheme: string, userinfo = '') =>
    `${scheme}://${userinfo}127.0.0.1:${(server.address() as AddressInfo).port}`;

  it.each<[string, string]>([
    ['socks', ''],
    ['socks4', ''],
    ['socks4a', ''],
    ['socks5', ''],
    ['socks5h', 'user:word@'],
  ])('goes through %s, %s', async (scheme, userinfo) => {
    const fixture = await CacheFixture.open(content, { env: { ALL_PROXY: address(scheme, userinfo) } });
    try {
      await fixture.cache.download(NAME);
      expect(new Set(targets)).toEqual(new Set([fixture.hub.url, fixture.hub.cdnUrl].map((url) => new URL(url).host)));
    } finally {
      await fixture.close();
    }
  });

  it('reports a proxy that does not accept the password', async () => {
    const fixture = await CacheFixture.open(content, { env: { ALL_PROXY: address('socks5', 'user:wrong-secret@') } });
    try {
      await expect(fixture.cache.download(NAME)).rejects.toMatchObject({
        code: 'HUB_UNREACHABLE',
        message: expect.stringMatching(/^(?!.*wrong-secret).*through the proxy 127\.0\.0\.1:\d+: .*authentication/i),
      });
    } finally {
      await fixture.close();
    }
  });
});
