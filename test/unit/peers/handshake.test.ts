import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { answerCaller, handshakeAsCaller, handshakeAsHost } from '../../../host/peers/handshake.ts';
import { describeOnPosix } from '../../support/describe-on-posix.ts';

const SECRET = 'the secret of a host';

describeOnPosix('the handshake of two hosts', () => {
  let folder: string;
  let server: Server;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-peer-'));
    server = createServer();
    server.listen(join(folder, 's'));
    await once(server, 'listening');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    await rm(folder, { recursive: true });
  });

  /** Connects. Returns both ends. */
  async function pair(): Promise<[caller: Socket, host: Socket]> {
    const accepted = once(server, 'connection');
    const caller = connect(join(folder, 's'));
    const [host] = await accepted;
    for (const socket of [caller, host]) {
      socket.on('error', () => {});
      sockets.push(socket);
    }
    return [caller, host];
  }

  it('transfers the request and its reply, and leaves further data for the next reader', async () => {
    const [caller, host] = await pair();
    const greeted = handshakeAsCaller(caller, SECRET, { modelId: 'a/b/c.gguf' });
    expect(await handshakeAsHost(host, SECRET)).toEqual({ modelId: 'a/b/c.gguf' });
    answerCaller(host, { model: { id: 'a/b/c.gguf' } });
    host.write('more');
    expect(await greeted).toEqual({ model: { id: 'a/b/c.gguf' } });
    const [rest] = await once(caller, 'data');
    expect(String(rest)).toBe('more');
  });

  it('ends before a request is sent if the host does not know the secret', async () => {
    const [caller, host] = await pair();
    const greeted = handshakeAsCaller(caller, SECRET, { modelId: 'private' });
    const heard: string[] = [];
    host.on('data', (bytes) => {
      heard.push(String(bytes));
      host.write(`${JSON.stringify({ nonce: 'n', proof: '0'.repeat(64) })}\n`);
    });
    await expect(greeted).rejects.toThrow('does not know the secret');
    expect(heard.join('')).not.toContain('private');
    expect(heard.join('')).not.toContain(SECRET);
  });

  it("ends without a reply if the caller does not know the secret, or repeats the host's message", async () => {
    const [stranger, host] = await pair();
    const received = handshakeAsHost(host, SECRET);
    const greeted = handshakeAsCaller(stranger, 'another secret', {});
    await expect(greeted).rejects.toThrow('does not know the secret');
    stranger.destroy();
    await expect(received).rejects.toThrow();

    const [echo, second] = await pair();
    const answered = handshakeAsHost(second, SECRET);
    echo.write(`${JSON.stringify({ nonce: 'n' })}\n`);
    echo.on('data', (bytes) => {
      const { proof } = JSON.parse(String(bytes));
      echo.write(`${JSON.stringify({ proof, request: {} })}\n`);
    });
    await expect(answered).rejects.toThrow('does not know the secret');
  });

  it('rejects messages that are too long, not JSON, or of the wrong form', async () => {
    for (const message of [
      'x'.repeat(5000),
      'x\n',
      '[]\n',
      '{}\n',
      '{"nonce":1}\n',
      `{"nonce":"${'n'.repeat(200)}"}\n`,
    ]) {
      const [caller, host] = await pair();
      const received = handshakeAsHost(host, SECRET);
      caller.write(message);
      await expect(received).rejects.toThrow(/not a host|too long/);
    }
  });

  it('fails when the other side closes the connection', async () => {
    const [caller, host] = await pair();
    const received = handshakeAsHost(host, SECRET);
    caller.end(`${JSON.stringify({ nonce: 'n' })}\n`);
    await expect(received).rejects.toThrow('closed the connection');
  });
});
