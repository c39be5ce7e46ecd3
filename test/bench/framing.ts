import { Readable } from 'node:stream';
import nativeMessaging from 'chrome-native-messaging';
import { LENGTH_BYTES } from '../../host/messaging/frame.ts';
import { MessageInput } from '../../host/messaging/message-input.ts';
import type { BenchResult } from './result.ts';

/** Number of bytes that a pipe delivers at a time. */
const CHUNK_BYTES = 64 * 1024;
const SMALL_FRAMES = 20_000;
const SMALL_BYTES = 100;
const LARGE_BYTES = 16 * 1024 * 1024;

/** Number of measured runs of each parser, after one run in which they are compiled. */
const REPETITIONS = 15;

/** Reads all messages of a stream and returns their number. */
type Reader = (source: Readable) => Promise<number>;

/**
 * Compares reading messages with this host and with `chrome-native-messaging`, from a stream of bytes to parsed
 * messages. The runs alternate.
 */
export async function run(): Promise<BenchResult[]> {
  const small = Buffer.concat(Array<Uint8Array>(SMALL_FRAMES).fill(frameOf(SMALL_BYTES)));
  return [
    await compare('small frames', split(small), SMALL_FRAMES, 1),
    await compare('one frame of 16 MiB', split(frameOf(LARGE_BYTES)), 1, 6),
  ];
}

async function compare(name: string, chunks: Uint8Array[], messages: number, goal: number): Promise<BenchResult> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= REPETITIONS; round += 1) {
    const [ourTime, theirTime] = [await time(readOurs, chunks, messages), await time(readTheirs, chunks, messages)];
    if (round > 0) {
      ours.push(ourTime);
      theirs.push(theirTime);
    }
  }
  const ratio = median(theirs) / median(ours);
  return {
    name: `framing: ${name}`,
    ratio,
    goal: `theirs / ours at least ${goal}`,
    ok: ratio >= goal,
    detail: `${messages} frame(s) in pieces of ${CHUNK_BYTES} bytes: ours ${median(ours).toFixed(1)} ms, chrome-native-messaging ${median(theirs).toFixed(1)} ms (medians of ${REPETITIONS})`,
  };
}

async function time(read: Reader, chunks: Uint8Array[], messages: number): Promise<number> {
  const started = performance.now();
  const found = await read(Readable.from(chunks, { objectMode: false, highWaterMark: CHUNK_BYTES }));
  const elapsed = performance.now() - started;
  if (found !== messages) throw new Error(`Expected ${messages} messages, got ${found}.`);
  return elapsed;
}

const readOurs: Reader = (source) => {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let messages = 0;
  new MessageInput(source, {
    canAccept: () => true,
    onMessage: (message) => {
      if (message instanceof Error) reject(message);
      messages += 1;
    },
    onEnd: (error) => (error === undefined ? resolve(messages) : reject(error)),
  });
  return promise;
};

const readTheirs: Reader = (source) => {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let messages = 0;
  source
    .pipe(new nativeMessaging.Input())
    .on('data', () => {
      messages += 1;
    })
    .on('end', () => resolve(messages))
    .on('error', reject);
  return promise;
};

/**
 * Returns a frame with a body of `bytes` bytes. It is built here because the host's own writer rejects messages of this
 * size.
 */
function frameOf(bytes: number): Uint8Array {
  const [before, after] = ['{"action":"PING","text":"', '"}'];
  const body = `${before}${'x'.repeat(bytes - before.length - after.length)}${after}`;
  const frame = Buffer.alloc(LENGTH_BYTES + bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.write(body, LENGTH_BYTES);
  return frame;
}

function split(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
