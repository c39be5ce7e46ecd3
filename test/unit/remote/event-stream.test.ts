import { describe, expect, it } from '@jest/globals';
import { readEvents } from '../../../host/remote/event-stream.ts';

async function eventsOf(pieces: readonly Uint8Array[]): Promise<string[]> {
  async function* source() {
    yield* pieces;
  }
  const events: string[] = [];
  for await (const data of readEvents(source(), () => {})) events.push(data);
  return events;
}

describe('an event stream', () => {
  const text = ': hello\n\ndata: {"a": "😀"}\r\n\r\nevent: x\nid: 1\ndata:two\ndata:  lines\n\ndata: [DONE]\n\n';
  const expected = ['{"a": "😀"}', 'two\n lines', '[DONE]'];

  it('is read the same however its bytes are split', async () => {
    const bytes = Buffer.from(text);
    expect(await eventsOf([bytes])).toEqual(expected);
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(await eventsOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    }
    expect(await eventsOf([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('may use carriage returns as line endings', async () => {
    const bytes = Buffer.from(text.replaceAll('\r\n', '\n').replaceAll('\n', '\r'));
    expect(await eventsOf([bytes])).toEqual(expected);
    expect(await eventsOf([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it('contains no event if its end is missing', async () => {
    expect(await eventsOf([Buffer.from('data: one\n\ndata: half\n')])).toEqual(['one']);
  });

  it('does not block the event loop while it is read', async () => {
    let read = 0;
    async function* emptyLines() {
      for (; read < 20; read += 1) yield Buffer.alloc(64 * 1024, '\n');
    }
    const readMeanwhile = new Promise<number>((resolve) => setImmediate(() => resolve(read)));
    for await (const _ of readEvents(emptyLines(), () => {}));
    expect(await readMeanwhile).toBeLessThan(20);
  });

  it('is rejected if an event never ends', async () => {
    const piece = Buffer.from(`data: ${'x'.repeat(70_000)}\n`);
    await expect(eventsOf(Array.from({ length: 20 }, () => piece))).rejects.toThrow(/more than 1048576/);
    const empty = Buffer.from('data:\n'.repeat(10_000));
    await expect(eventsOf(Array.from({ length: 25 }, () => empty))).rejects.toThrow(/more than 1048576/);
  });
});
