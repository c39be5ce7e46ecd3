import { describe, expect, it } from '@jest/globals';
import nativeMessaging from 'chrome-native-messaging';
import { isHostError } from '../../../host/common/errors.ts';
import { FrameReader } from '../../../host/messaging/frame-reader.ts';
import { frame, seeded } from './frames.ts';

const MAX = 64 * 1024 * 1024;

/** Feeds chunks one after the other and collects the bodies as text. */
function readAll(chunks: Uint8Array[]): string[] {
  const reader = new FrameReader();
  const bodies: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let body = reader.read(); body !== undefined; body = reader.read()) {
      if (isHostError(body)) throw body;
      bodies.push(Buffer.from(body).toString());
    }
  }
  expect(reader.end()).toBeUndefined();
  return bodies;
}

describe('FrameReader', () => {
  const bodies = ['{"action":"PING"}', '{}', '{"text":"é漢😀"}', '', '{"last":true}'];
  const bytes = Buffer.concat(bodies.map((body) => frame(body)));

  it('reads a stream split at every byte boundary', () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(readAll([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(bodies);
    }
  });

  it('reads a stream that arrives byte by byte', () => {
    expect(readAll([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(bodies);
  });

  it('reads many frames in one chunk', () => {
    const many = Array.from({ length: 5000 }, (_, n) => `{"n":${n}}`);
    expect(readAll([Buffer.concat(many.map((body) => frame(body)))])).toEqual(many);
  });

  it('reads chunks that were pushed before any was read', () => {
    const reader = new FrameReader();
    for (const byte of bytes) reader.push(Uint8Array.of(byte));
    const found = bodies.map(() => Buffer.from(reader.read() as Uint8Array).toString());
    expect(found).toEqual(bodies);
    expect(reader.read()).toBeUndefined();
  });

  it.each([1, 2, 3, 20_260_101])('reads frames of all sizes split at random (seed %i)', (seed) => {
    const random = seeded(seed);
    const sent = Array.from({ length: 200 }, () => 'é'.repeat(Math.floor(random() ** 4 * 20_000)));
    const stream = Buffer.concat(sent.map((body) => frame(body)));
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = at + Math.floor(random() ** 3 * 70_000);
      chunks.push(stream.subarray(at, end));
      at = end;
    }
    expect(readAll(chunks)).toEqual(sent);
  });

  it('reads what chrome-native-messaging writes', async () => {
    const output = new nativeMessaging.Output();
    const messages = Array.from({ length: 50 }, (_, n) => ({ n, text: 'é漢'.repeat(n) }));
    for (const message of messages) output.write(message);
    output.end();
    const chunks: Uint8Array[] = await output.toArray();
    expect(readAll(chunks).map((body) => JSON.parse(body))).toEqual(messages);
  });

  it('reads 60 MiB in chunks of 64 KiB into one allocation', () => {
    const body = Buffer.alloc(60 * 1024 * 1024, 'x');
    const stream = frame(body);
    const reader = new FrameReader();
    for (let at = 0; at < stream.length; at += 65_536) {
      expect(reader.read()).toBeUndefined();
      reader.push(stream.subarray(at, at + 65_536));
    }
    const read = reader.read() as Uint8Array;
    expect(read.buffer.byteLength).toBe(body.length);
    expect(body.equals(read)).toBe(true);
  });

  it('accepts a length of exactly 64 MiB, and rejects one byte more after reading only the length', () => {
    const fits = new FrameReader();
    fits.push(frame('', MAX));
    expect(fits.read()).toBeUndefined();

    const tooLong = new FrameReader();
    const head = frame('', MAX + 1);
    tooLong.push(head.subarray(0, 3));
    expect(tooLong.read()).toBeUndefined();
    tooLong.push(head.subarray(3));
    const fault = tooLong.read();
    expect(fault).toMatchObject({ code: 'FRAME_TOO_LARGE', details: { expected: MAX, found: MAX + 1 } });
    tooLong.push(frame('{}'));
    expect(tooLong.read()).toBe(fault);
  });

  it('reads a length above 2 GiB as unsigned', () => {
    const reader = new FrameReader();
    reader.push(frame('', 0xffff_fffe));
    expect(reader.read()).toMatchObject({ code: 'FRAME_TOO_LARGE', details: { found: 0xffff_fffe } });
  });

  it('reports where a stream was truncated, at every byte of a frame', () => {
    const whole = frame('{"a":1}');
    for (let at = 0; at <= whole.length; at += 1) {
      const reader = new FrameReader();
      reader.push(whole.subarray(0, at));
      reader.read();
      if (at === 0 || at === whole.length) expect(reader.end()).toBeUndefined();
      else {
        const details =
          at < 4 ? { part: 'length', expected: 4, found: at } : { part: 'body', expected: 7, found: at - 4 };
        expect(reader.end()).toMatchObject({ code: 'FRAME_TRUNCATED', details });
      }
    }
  });
});
