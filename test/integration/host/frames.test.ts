import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { CHROME_ORIGIN, HOST_MAIN, type Message } from '../../support/host/host-process.ts';

/** Returns a frame, built without the host's code. */
function frame(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

describe('a host process over native messaging', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it('replies to PING with its version and process ID, at the top level and in the payload', async () => {
    const host = fixture.host();
    const reply = await host.request('PING');
    expect(reply).toMatchObject({ status: 'success', response: 'pong', pid: host.pid, action: 'PING' });
    expect(reply.payload).toEqual({
      response: 'pong',
      version: reply.version,
      pid: host.pid,
      oldestClient: reply.oldestClient,
    });
  });

  it('tells a client that is too old or requires a newer host which side to update, and continues', async () => {
    const host = fixture.host();
    expect(await host.request('PING', { clientVersion: '0.0.1' })).toMatchObject({
      status: 'success',
      update: 'client',
      message: expect.stringContaining('Update the extension.'),
    });
    expect(await host.request('PING', { clientVersion: '99.0.0', oldestHost: '99.0.0' })).toMatchObject({
      status: 'success',
      payload: { update: 'host' },
      message: expect.stringContaining('Update the host.'),
    });
    expect((await host.request('PING')).update).toBeUndefined();
    expect(await host.request('GET_LOADED_MODELS')).toMatchObject({ status: 'success' });
  });

  it.each([
    ['Chrome', [CHROME_ORIGIN]],
    ['Chrome on Windows', [CHROME_ORIGIN, '--parent-window=0']],
    ['Firefox', ['/usr/lib/mozilla/native-messaging-hosts/com.tabagent.host.json', 'tabagent@tabagent.dev']],
    ['a program of its own', []],
  ])('uses native messaging if %s starts it', async (_browser, args) => {
    expect(await fixture.host({ args }).request('PING')).toMatchObject({ response: 'pong' });
  });

  it('accepts a request byte by byte, and several in one write', async () => {
    const host = fixture.host();
    const bytes = frame('{"action":"PING","requestId":"é"}');
    const slow = host.next((message) => message.requestId === 'é');
    for (const byte of bytes) host.child.stdin.write(Buffer.of(byte));
    await slow;
    const last = host.next((message) => message.requestId === 499);
    host.child.stdin.write(
      Buffer.concat(
        Array.from({ length: 500 }, (_, requestId) => frame(JSON.stringify({ action: 'PING', requestId }))),
      ),
    );
    await last;
    expect(host.received).toHaveLength(501);
  });

  it('accepts a request of 60 MiB', async () => {
    const host = fixture.host();
    const reply = host.next((message) => message.requestId === 'large');
    host.child.stdin.write(
      frame(JSON.stringify({ action: 'PING', requestId: 'large', filler: 'x'.repeat(60 * 1024 * 1024) })),
    );
    expect(await reply).toMatchObject({ status: 'success' });
  });

  it('replies to requests without a requestId in order', async () => {
    const host = fixture.host();
    const last = host.next((message) => message.action === 'nothing');
    host.send({ action: 'GET_SYSTEM_RESOURCES' });
    host.send({ action: 'PING' });
    host.send({ action: 'nothing' });
    await last;
    expect(host.received.map((message) => message.action)).toEqual(['GET_SYSTEM_RESOURCES', 'PING', 'nothing']);
  });

  it.each(['', 'null', '[]', '"PING"', '{"action"', '{"action":"PING"}}', '\u0000', '7'])(
    'answers INVALID_JSON to the body %j and goes on',
    async (body) => {
      const host = fixture.host();
      const reply = host.next(() => true);
      host.child.stdin.write(frame(body));
      expect(await reply).toMatchObject({ status: 'error', code: 'INVALID_JSON' });
      expect(await host.request('PING')).toMatchObject({ response: 'pong' });
    },
  );

  it('replies INVALID_JSON to broken UTF-8 and to a list nested a million times, and continues', async () => {
    const host = fixture.host();
    for (const body of [Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), Buffer.alloc(2_000_000, '[')]) {
      const reply = host.next(() => true);
      host.child.stdin.write(frame(body));
      expect(await reply).toMatchObject({ code: 'INVALID_JSON' });
    }
    expect(await host.request('PING')).toMatchObject({ response: 'pong' });
  });

  it('exits with code 0 when its input ends between messages, after all replies', async () => {
    const host = fixture.host();
    host.send({ action: 'PING' });
    host.send({ action: 'GET_SYSTEM_RESOURCES' });
    expect(await host.close()).toEqual({ code: 0, signal: null });
    expect(host.received.map((message) => message.status)).toEqual(['success', 'success']);
  });

  it.each([
    ['in the middle of a length', Buffer.of(5, 0), 'FRAME_TRUNCATED'],
    ['in the middle of a body', frame('{"action":"PING"}').subarray(0, 10), 'FRAME_TRUNCATED'],
  ])('reports it and exits with code 1 when its input ends %s', async (_where, bytes, code) => {
    const host = fixture.host();
    host.child.stdin.end(bytes);
    expect(await host.exited).toEqual({ code: 1, signal: null });
    expect(host.received).toEqual([expect.objectContaining({ status: 'error', code })]);
  });

  it('rejects a message over 64 MiB by its length alone, and exits with code 1', async () => {
    const host = fixture.host();
    const length = Buffer.alloc(4);
    length.writeUInt32LE(64 * 1024 * 1024 + 1);
    host.child.stdin.write(length);
    expect(await host.exited).toEqual({ code: 1, signal: null });
    expect(host.received).toEqual([expect.objectContaining({ status: 'error', code: 'FRAME_TOO_LARGE' })]);
  });

  it('exits silently when its reader has exited', async () => {
    const host = fixture.host();
    await host.request('PING');
    host.child.stdout.destroy();
    host.send({ action: 'PING' });
    expect((await host.exited).signal).toBeNull();
    expect(host.stderr).toBe('');
  });

  it('limits its buffer for a reader that does not read', async () => {
    const child = spawn(process.execPath, [HOST_MAIN, CHROME_ORIGIN], {
      env: { ...process.env, TABAGENT_HOME: fixture.home },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const flood = frame(JSON.stringify({ action: 'NO_SUCH_ACTION_OF_SOME_LENGTH', requestId: 'x'.repeat(200) }));
    const burst = Buffer.concat(Array.from({ length: 1000 }, () => flood));
    // A host that limits its queue stops reading. One that does not would read all 300 MB.
    let taken = 0;
    while (taken < 300e6) {
      taken += burst.length;
      if (
        !child.stdin.write(burst) &&
        (await Promise.race([once(child.stdin, 'drain'), stopped(child.stdin)])) === 'stopped'
      )
        break;
    }
    expect(taken).toBeLessThan(100e6);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });

  it('prints usage for an unknown command', async () => {
    const host = fixture.host({ args: ['pleh'] });
    expect((await host.exited).code).toBe(2);
    expect(host.stderr).toContain('Unknown command: pleh');
  });

  it('reports errors in the configuration', async () => {
    const reply: Message = await fixture.host({ env: { HF_ENDPOINT: 'nonsense' } }).request('PING');
    expect(reply).toMatchObject({ status: 'error', code: 'INVALID_REQUEST', details: { field: 'HF_ENDPOINT' } });
  });
});

/** Resolves when nothing was read from `stream` for a second, because the other side has stopped reading. */
async function stopped(stream: { writableLength: number }): Promise<'stopped'> {
  let length = -1;
  while (length !== stream.writableLength) {
    length = stream.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  return 'stopped';
}
