import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createSecureServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { BulkClient } from '../../../host/hub/bulk-client.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

/** How a server responds to a request. Requests and connections are counted from 1. */
type Answer = (socket: Socket, context: { connection: number; request: number; text: string }) => void;

const folder = tempFolder('bulk');
const servers: { server: Server; sockets: Set<Socket> }[] = [];

afterEach(() => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
afterAll(() => folder.remove());

/** Starts a server that responds with `answer` and counts its connections. */
async function serve(answer: Answer, make: (listener: (socket: Socket) => void) => Server = createServer) {
  const sockets = new Set<Socket>();
  const counts = { connections: 0 };
  const server = make((socket) => {
    sockets.add(socket);
    counts.connections += 1;
    const connection = counts.connections;
    let [request, text] = [0, ''];
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        request += 1;
        answer(socket, { connection, request, text: text.slice(0, end) });
        text = text.slice(end + 4);
      }
    });
  });
  servers.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, counts };
}

const makeClient = () => new BulkClient({ connectMs: 20_000, stallMs: 20_000 });
const urlOf = (port: number, path = '/file') => new URL(`http://127.0.0.1:${port}${path}`);

async function fetchText(client: BulkClient, url: URL, signal?: AbortSignal): Promise<string> {
  const { body } = await client.get(url, {}, signal);
  let text = '';
  for await (const bytes of body) text += Buffer.from(bytes).toString('latin1');
  return text;
}

/** Sends `text` one byte at a time. */
async function sendByteByByte(socket: Socket, text: string) {
  socket.setNoDelay(true);
  for (const letter of text) await new Promise((resolve) => socket.write(letter, resolve));
}

describe('BulkClient', () => {
  it('reads complete bodies however the response is split into packets, and reuses one connection', async () => {
    const { port, counts } = await serve((socket, { request }) => {
      const text = `HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbody ${request}`;
      if (request % 2 === 1) void sendByteByByte(socket, text);
      else socket.write(text);
    });
    const client = makeClient();
    for (let request = 1; request <= 4; request += 1)
      expect(await fetchText(client, urlOf(port))).toBe(`body ${request}`);
    expect(counts.connections).toBe(1);
  });

  it('sends the path, the query and the headers unchanged', async () => {
    const received: string[] = [];
    const { port } = await serve((socket, { text }) => {
      received.push(text);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { body } = await makeClient().get(urlOf(port, '/a%20b?signature=x%2By'), { range: 'bytes=0-9' }, undefined);
    body.destroy();
    expect(received).toEqual([`GET /a%20b?signature=x%2By HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nrange: bytes=0-9`]);
  });

  it('rejects a header value with a line break', async () => {
    const { port, counts } = await serve(() => {});
    await expect(makeClient().get(urlOf(port), { range: 'a\r\nhost: b' }, undefined)).rejects.toMatchObject({
      code: 'ERR_INVALID_CHAR',
    });
    expect(counts.connections).toBe(0);
  });

  it('skips interim responses', async () => {
    const { port } = await serve((socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    expect(await fetchText(makeClient(), urlOf(port))).toBe('ok');
  });

  it('rejects a server that sends endless interim responses', async () => {
    const { port } = await serve((socket) => {
      const some = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000);
      const send = () => {
        while (!socket.destroyed && socket.write(some));
        socket.once('drain', send);
      };
      send();
    });
    await expect(makeClient().get(urlOf(port), {}, undefined)).rejects.toMatchObject({ code: 'EPROTO' });
  });

  it('opens a new connection if the server has closed the idle one', async () => {
    const { port, counts } = await serve((socket, { connection, request }) => {
      if (connection === 1 && request === 2) socket.destroy();
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${connection}`);
    });
    const client = makeClient();
    expect(await fetchText(client, urlOf(port))).toBe('1');
    expect(await fetchText(client, urlOf(port))).toBe('2');
    expect(counts.connections).toBe(2);
  });

  it('does not reuse a connection that sent more than it had announced', async () => {
    const { port, counts } = await serve((socket, { connection }) => {
      const more = connection === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse' : '';
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue${more}`);
    });
    const client = makeClient();
    expect(await fetchText(client, urlOf(port))).toBe('true');
    expect(await fetchText(client, urlOf(port))).toBe('true');
    expect(counts.connections).toBe(2);
  });

  it('closes the connection of an abandoned large body, and reuses that of a small one', async () => {
    const { port, counts } = await serve((socket, { text }) => {
      if (text.startsWith('GET /large')) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nand so on`);
      else socket.write('HTTP/1.1 302 Found\r\nContent-Length: 3\r\nLocation: /b\r\n\r\nodd');
    });
    const client = makeClient();
    const small = await client.get(urlOf(port, '/small'), {}, undefined);
    small.body.destroy();
    await new Promise(setImmediate);
    const large = await client.get(urlOf(port, '/large'), {}, undefined);
    expect(counts.connections).toBe(1);
    for await (const _ of large.body) break;
    await client.get(urlOf(port, '/small'), {}, undefined);
    expect(counts.connections).toBe(2);
  });

  it.each([
    ['is interrupted in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'ECONNRESET'],
    ['is interrupted in the head', 'HTTP/1.1 200 OK\r\nConte', 'ECONNRESET'],
    ['is not HTTP', '220 ready\r\n\r\n', 'EPROTO'],
    ['has an endless head', 'HTTP/1.1 200 OK\r\nA: '.padEnd(20_000, 'x'), 'EPROTO'],
  ])('fails with the reason if the response %s', async (_, text, code) => {
    const { port } = await serve((socket) => socket.end(text, 'latin1'));
    await expect(fetchText(makeClient(), urlOf(port))).rejects.toMatchObject({ code });
  });

  it('times out if no data arrives, in the head or in the body', async () => {
    const { port } = await serve((socket, { text }) => {
      if (text.startsWith('GET /body')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    });
    const client = new BulkClient({ connectMs: 20_000, stallMs: 30 });
    await expect(fetchText(client, urlOf(port, '/head'))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await expect(fetchText(client, urlOf(port, '/body'))).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('rejects with the reason of the abort signal before the request, in the head and in the body', async () => {
    const client = makeClient();
    const reason = new Error('aborted');
    await expect(fetchText(client, urlOf(9), AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const { port } = await serve((socket, { text }) => {
      if (text.startsWith('GET /head')) controller.abort(reason);
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    });
    await expect(fetchText(client, urlOf(port, '/head'), controller.signal)).rejects.toBe(reason);
    const second = new AbortController();
    const { body } = await client.get(urlOf(port, '/body'), {}, second.signal);
    const reading = (async () => {
      for await (const _ of body) second.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });

  it("fails with the system's error code if a server cannot be reached", async () => {
    const { port } = await serve(() => {});
    for (const { server } of servers.splice(0)) server.close();
    await expect(fetchText(makeClient(), urlOf(port))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

const openssl = spawnSync('openssl', ['version']).status === 0;

(openssl ? describe : describe.skip)('BulkClient over TLS (requires openssl)', () => {
  it('reads bodies from a server with a valid certificate, and sends nothing to another', async () => {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder.path, name));
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key ?? '', '-out', cert ?? ''],
      ],
      { stdio: 'ignore' },
    );
    const pair = { key: readFileSync(key ?? ''), cert: readFileSync(cert ?? '') };
    const received: string[] = [];
    const body = 'x'.repeat(3_000_000);
    const { port } = await serve(
      (socket, { text }) => {
        received.push(text);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      },
      (listener) => createSecureServer(pair, listener),
    );
    const url = new URL(`https://localhost:${port}/file`);
    await expect(fetchText(makeClient(), url)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(received).toEqual([]);

    const before = getCACertificates('default');
    setDefaultCACertificates([...before, pair.cert.toString()]);
    try {
      const client = makeClient();
      expect((await fetchText(client, url)) === body).toBe(true);
      expect((await fetchText(client, url)) === body).toBe(true);
      // The certificate is valid for the host name, not for the IP address.
      await expect(fetchText(client, new URL(`https://127.0.0.1:${port}/file`))).rejects.toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
    } finally {
      setDefaultCACertificates(before);
    }
  });
});
