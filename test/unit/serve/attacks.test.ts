import { afterEach, describe, expect, it } from '@jest/globals';
import { TIME_LIMITS } from '../../../host/serve/server.ts';
import { KEY, ORIGIN, openServer } from '../../support/serve/open-server.ts';
import { RawConnection } from '../../support/serve/raw-connection.ts';
import { generated, ScriptedHost, text } from '../../support/serve/scripted-host.ts';

type Server = Awaited<ReturnType<typeof openServer>>;

/** Maximum number of connections. */
const MAX_CONNECTIONS = 256;

const KEY_HEADER = `Authorization: Bearer ${KEY}`;
const PROMPT = JSON.stringify({ prompt: 'x' });

describe('the server, against clients that attack it', () => {
  const servers: Server[] = [];
  const connections: RawConnection[] = [];
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.close();
    for (const server of servers.splice(0)) await server.close();
  });

  async function open(host = new ScriptedHost({ GENERATE: () => generated() }), limits?: typeof TIME_LIMITS) {
    const server = await openServer(host, limits);
    servers.push(server);
    return server;
  }

  async function connect({ port }: Server): Promise<RawConnection> {
    const connection = await RawConnection.open(port);
    connections.push(connection);
    return connection;
  }

  /** Returns a request with these lines as headers. */
  const requestOf = (lines: readonly string[], start = 'GET /v1/models HTTP/1.1') =>
    [start, ...lines, 'Connection: close', '', ''].join('\r\n');

  const hostOf = ({ port }: Server) => `Host: 127.0.0.1:${port}`;

  /** Returns the status of the response to some bytes; 0 if the connection ends without one. */
  async function statusOf(server: Server, bytes: string): Promise<number> {
    const connection = await connect(server);
    connection.send(bytes);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(await connection.ended)?.[1] ?? 0);
  }

  it('accepts no name but those of this computer in Host, however it is written', async () => {
    const server = await open();
    const hosts: [header: string, isOwn: boolean][] = [
      [`localhost:${server.port}`, true],
      [`127.0.0.1:${server.port}`, true],
      [`[::1]:${server.port}`, true],
      ...[
        'evil.example',
        '127.0.0.1.nip.io',
        'localhost.evil.example',
        'a.localhost',
        'localhost.',
        '127.0.0.1@evil.example',
        'evil.example#127.0.0.1',
        '2130706433',
        '0x7f.1',
        '127.1',
        '0.0.0.0',
        '[::]',
        '[::ffff:127.0.0.1]',
        '[0:0:0:0:0:0:0:1]',
        '',
      ].map((name): [string, boolean] => [`${name}:${server.port}`, false]),
      ['127.0.0.1', false],
      ['127.0.0.1:1', false],
      ['127.0.0.1:', false],
    ];
    // Some are no addresses at all.
    const refusals = [400, 403];
    for (const [host, isOwn] of hosts) {
      const status = await statusOf(server, requestOf([`Host: ${host}`, KEY_HEADER]));
      expect([host, isOwn ? [200] : refusals]).toEqual([host, expect.arrayContaining([status])]);
    }
    // The first of two counts, and no other header replaces it.
    const own = hostOf(server);
    const evil = 'Host: evil.example';
    expect(refusals).toContain(await statusOf(server, requestOf([evil, own, KEY_HEADER])));
    expect(await statusOf(server, requestOf([evil, `X-Forwarded-Host: ${own.slice(6)}`, KEY_HEADER]))).toBe(403);
    expect(await statusOf(server, requestOf([KEY_HEADER]))).toBe(400);
    expect(await statusOf(server, requestOf([KEY_HEADER], 'GET /v1/models HTTP/1.0'))).toBe(400);
  });

  it('accepts the key only in one header, whole', async () => {
    const server = await open();
    const wrong = [
      'Authorization:',
      'Authorization: Bearer',
      `Authorization: Bearer ${KEY}x`,
      `Authorization: Bearer ${KEY.slice(0, -1)}`,
      `Authorization: Bearer ${KEY.toUpperCase()}`,
      `Authorization: Basic ${KEY}`,
      `Authorization: Bearer ${KEY}, Bearer x`,
      `Authorization: Bearer x\r\n${KEY_HEADER}`,
      `X-Api-Key: ${KEY}`,
      `Cookie: key=${KEY}`,
    ];
    for (const header of wrong) {
      expect([header, await statusOf(server, requestOf([hostOf(server), header]))]).toEqual([header, 401]);
    }
    const inQuery = `GET /v1/models?api_key=${KEY}&key=${KEY} HTTP/1.1`;
    expect(await statusOf(server, requestOf([hostOf(server)], inQuery))).toBe(401);
    expect(await statusOf(server, requestOf([hostOf(server), KEY_HEADER]))).toBe(200);
  });

  it('serves no origin without being told so, and tells none that it exists', async () => {
    const server = await open();
    for (const origin of ['null', '', 'http://evil.example', `http://127.0.0.1:${server.port}`, 'file://', '*']) {
      for (const start of ['GET /v1/models', 'GET /health', 'OPTIONS /v1/chat/completions', 'POST /v1/completions']) {
        const connection = await connect(server);
        connection.send(requestOf([hostOf(server), KEY_HEADER, `Origin: ${origin}`], `${start} HTTP/1.1`));
        const answer = await connection.ended;
        expect([origin, start, answer.split('\r\n')[0]]).toEqual([origin, start, 'HTTP/1.1 403 Forbidden']);
        expect(answer.toLowerCase()).not.toContain('access-control-allow');
      }
    }
    const allowed = requestOf([hostOf(server), KEY_HEADER, `Origin: ${ORIGIN}`]);
    expect(await statusOf(server, allowed)).toBe(200);
  });

  it('has nothing at other paths, and for other methods', async () => {
    const server = await open();
    const paths = [
      '/v1/models/../../etc/passwd',
      '/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
      '/v1/models/%00',
      '/v1/models/__proto__',
      '/v1/models/constructor',
      '//evil.example/v1/x',
      '/v1/conversations',
    ];
    for (const path of paths) {
      const status = await statusOf(server, requestOf([hostOf(server), KEY_HEADER], `GET ${path} HTTP/1.1`));
      expect([path, status]).toEqual([path, 404]);
    }
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const status = await statusOf(server, requestOf([hostOf(server), KEY_HEADER], `${method} /v1/models HTTP/1.1`));
      expect([method, status]).toEqual([method, 404]);
    }
    for (const start of ['TRACE /v1/models', 'CONNECT evil.example:443', 'FOO /v1/models']) {
      const status = await statusOf(server, requestOf([hostOf(server), KEY_HEADER], `${start} HTTP/1.1`));
      expect([start, status]).not.toEqual([start, 200]);
    }
    for (const bytes of [
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'x\r\n\r\n',
    ]) {
      expect(await statusOf(server, bytes)).toBe(400);
    }
  });

  it('rejects ambiguous lengths of a body, so that no request can be smuggled in one', async () => {
    const host = new ScriptedHost({ GENERATE: () => generated() });
    const server = await open(host);
    const post = (lines: readonly string[], body: string) =>
      requestOf(
        [hostOf(server), KEY_HEADER, 'Content-Type: application/json', ...lines],
        'POST /v1/completions HTTP/1.1',
      ) + body;
    const bodies: [lines: string[], body: string][] = [
      [['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
      [['Content-Length: 2', 'Content-Length: 5'], '{}'],
      [['Content-Length: -1'], '{}'],
      [['Content-Length: 99999999999999999999'], '{}'],
      [['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n'],
      [['Transfer-Encoding: chunked'], `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`],
      [['Transfer-Encoding: gzip'], '{}'],
    ];
    for (const [lines, body] of bodies) {
      const status = await statusOf(server, post(lines, body));
      expect([lines, status >= 400 || status === 0]).toEqual([lines, true]);
    }
    // A compressed body is not a JSON object, so nothing is decompressed.
    expect(await statusOf(server, post(['Content-Encoding: gzip', 'Content-Length: 4'], '\x1f\x8b\x08\x00'))).toBe(400);
    expect(host.received).toEqual([]);
    expect(await statusOf(server, post([`Content-Length: ${PROMPT.length}`], PROMPT))).toBe(200);
  });

  it('rejects a request without the key before its body, and does not read it as another request', async () => {
    const host = new ScriptedHost({ GENERATE: () => generated() });
    const server = await open(host);
    const connection = await connect(server);
    const inner = requestOf(
      [hostOf(server), KEY_HEADER, 'Content-Type: application/json', `Content-Length: ${PROMPT.length}`],
      'POST /v1/completions HTTP/1.1',
    );
    const head = ['POST /v1/completions HTTP/1.1', hostOf(server), `Content-Length: ${inner.length}`, '', ''].join(
      '\r\n',
    );
    connection.send(head);
    await connection.received(/^HTTP\/1\.1 401 /);
    connection.send(inner);
    connection.finish();
    expect((await connection.ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401']);
    expect(host.received).toEqual([]);
  });

  it('ends connections that send headers or a body slowly, or nothing', async () => {
    const limits = { ...TIME_LIMITS, headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const host = new ScriptedHost({ GENERATE: () => generated() });
    const server = await open(host, limits);
    const slow = await Promise.all(
      [
        '',
        'GET /v1/models HTTP/1.1\r\nHost: ',
        `POST /v1/completions HTTP/1.1\r\n${hostOf(server)}\r\n${KEY_HEADER}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
        `POST /v1/completions HTTP/1.1\r\n${hostOf(server)}\r\n${KEY_HEADER}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{`,
      ].map(async (bytes) => {
        const connection = await connect(server);
        connection.send(bytes);
        return connection.ended;
      }),
    );
    for (const answer of slow) expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(host.received).toEqual([]);
  });

  it('accepts a limited number of connections, and others when some have ended', async () => {
    const server = await open();
    const idle = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => connect(server)));
    // This one is accepted by the system, and then closed by the server.
    const refused = await connect(server);
    refused.send(requestOf([hostOf(server), KEY_HEADER]));
    expect(await refused.ended).toBe('');
    idle[0]?.close();
    // The server may not have noticed yet.
    while ((await statusOf(server, requestOf([hostOf(server), KEY_HEADER]))) !== 200);
  });

  it('generates for no client that closes its connection, before or during a stream', async () => {
    const aborted: Promise<void>[] = [];
    const host = new ScriptedHost({
      GENERATE: ({ options: { signal, onEvent } }) =>
        new Promise((_, reject) => {
          aborted.push(
            new Promise((resolve) => {
              signal?.addEventListener('abort', () => {
                resolve();
                reject(signal.reason);
              });
            }),
          );
          onEvent?.(text('Once'));
        }),
    });
    const server = await open(host);
    const body = JSON.stringify({ prompt: 'x', stream: true });
    const request =
      requestOf(
        [hostOf(server), KEY_HEADER, 'Content-Type: application/json', `Content-Length: ${body.length}`],
        'POST /v1/completions HTTP/1.1',
      ) + body;
    // More than may run at once, so that the later ones only succeed if the earlier ones have ended.
    for (let index = 0; index < 100; index += 1) {
      const connection = await connect(server);
      connection.send(request);
      if (index % 2 === 0) await connection.received(/Once/);
      else while (aborted.length <= index) await new Promise((resolve) => setImmediate(resolve));
      connection.close();
      await aborted[index];
    }
    expect(aborted).toHaveLength(100);
  });
});
