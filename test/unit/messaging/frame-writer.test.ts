import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import nativeMessaging from 'chrome-native-messaging';
import { encodeFrame } from '../../../host/messaging/frame.ts';
import { FrameWriter } from '../../../host/messaging/frame-writer.ts';

const MAX = 1024 * 1024;

/** A message whose JSON has exactly `bytes` bytes. */
const messageOf = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });

/** A reader that reads only on request. */
function slowReader() {
  const taken: Buffer[] = [];
  let done: (() => void) | undefined;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      taken.push(chunk);
      done = callback;
    },
  });
  return { stream, taken, take: () => done?.() };
}

function listen() {
  const heard = { drained: 0, broken: [] as Error[] };
  const listener = {
    onDrained: () => {
      heard.drained += 1;
    },
    onBroken: (error: Error) => {
      heard.broken.push(error);
    },
  };
  return { heard, listener };
}

describe('encodeFrame', () => {
  it('encodes frames that chrome-native-messaging reads', async () => {
    const messages = [{}, { text: 'é漢😀' }, { a: { b: [1, null, 'x'] } }];
    const input = new nativeMessaging.Input();
    for (const message of messages) input.write(encodeFrame(message));
    input.end();
    expect(await input.toArray()).toEqual(messages);
  });

  it('encodes a frame of exactly 1 MiB, and rejects one byte more', () => {
    expect(encodeFrame(messageOf(MAX))).toHaveLength(4 + MAX);
    expect(() => encodeFrame(messageOf(MAX + 1))).toThrow(
      expect.objectContaining({ code: 'REPLY_TOO_LARGE', details: { expected: MAX, found: MAX + 1 } }),
    );
  });

  it('measures bytes, not characters', () => {
    expect(() => encodeFrame({ text: '漢'.repeat(MAX / 2) })).toThrow(
      expect.objectContaining({ code: 'REPLY_TOO_LARGE' }),
    );
  });

  it('encodes lone surrogates as valid UTF-8', () => {
    const body = encodeFrame({ 'key\udc00': 'text\ud800' }).subarray(4);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    expect(JSON.parse(text)).toEqual({ 'key\udc00': 'text\ud800' });
  });
});

describe('FrameWriter', () => {
  it('counts bytes that the reader has not accepted, and reports when all have been', async () => {
    const { stream, take } = slowReader();
    const { heard, listener } = listen();
    const writer = new FrameWriter(stream, listener);
    const frames = [encodeFrame({ a: 1 }), encodeFrame({ b: 2 })];
    for (const frame of frames) writer.send(frame);
    expect(writer.blocked).toBe(true);
    expect(writer.queuedBytes).toBe(frames.reduce((sum, frame) => sum + frame.length, 0));

    const drained = writer.drained();
    take();
    expect(writer.blocked).toBe(true);
    take();
    await drained;
    expect(writer.queuedBytes).toBe(0);
    expect(heard.drained).toBe(1);
  });

  it('is not blocked by a reader that reads', async () => {
    const stream = new PassThrough();
    const writer = new FrameWriter(stream, listen().listener);
    writer.send(encodeFrame({ a: 1 }));
    expect(writer.blocked).toBe(false);
    await writer.drained();
    writer.close();
    expect(
      Buffer.concat(await stream.toArray())
        .subarray(4)
        .toString(),
    ).toBe('{"a":1}');
  });

  it('reports a broken pipe once, and sends nothing afterwards', async () => {
    const failure = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    let writes = 0;
    const stream = new Writable({
      write(_chunk, _encoding, callback) {
        writes += 1;
        setImmediate(() => callback(failure));
      },
    });
    const { heard, listener } = listen();
    const writer = new FrameWriter(stream, listener);
    for (let i = 0; i < 3; i += 1) writer.send(encodeFrame({ i }));
    const drained = writer.drained();
    await once(stream, 'close');
    await drained;
    writer.send(encodeFrame({}));
    writer.close();
    expect(heard.broken).toEqual([failure]);
    expect(writes).toBe(1);
    expect(writer.queuedBytes).toBe(0);
  });

  it('reports a stream that was destroyed without an error', async () => {
    const stream = new PassThrough();
    const { heard, listener } = listen();
    new FrameWriter(stream, listener);
    stream.destroy();
    await once(stream, 'close');
    expect(heard.broken).toHaveLength(1);
  });

  it('drops bytes that the reader has not accepted when it is closed', async () => {
    const { stream } = slowReader();
    const { heard, listener } = listen();
    const writer = new FrameWriter(stream, listener);
    writer.send(encodeFrame({ a: 1 }));
    const drained = writer.drained();
    writer.close();
    await Promise.all([once(stream, 'close'), drained]);
    expect(heard.broken).toEqual([]);
  });
});
