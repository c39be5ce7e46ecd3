/** What the thread is started with. */
export interface HashThreadData {
  /** The open file; descriptors belong to the process, so a thread can read what another opened. */
  readonly descriptor: number;
  /** Most bytes of one piece. */
  readonly chunkBytes: number;
  /** Of the whole file. */
  readonly algorithm: 'sha256' | 'sha1';
  /** What the whole file's checksum begins with, before its first byte. */
  readonly prefix: string;
}

/** One piece of work, done in the order it came. */
export type HashRequest = { readonly id: number } & (
  | { readonly kind: 'extend'; readonly offset: number; readonly length: number; readonly expected: string | undefined }
  | { readonly kind: 'digest' }
);

/** What came of it: the checksum, whether a piece fitted, or why the file could not be read. */
export type HashAnswer = { readonly id: number } & (
  | { readonly value: string | boolean }
  | { readonly fault: { readonly code: string; readonly message: string } }
);

/**
 * Everything the hashing thread does. It is started from its own text, which saves each way the host is built and
 * packaged a file of its own: so nothing in here may refer to anything outside, but for types.
 */
export function hashThread(
  { parentPort, workerData }: typeof import('node:worker_threads'),
  { readSync }: typeof import('node:fs'),
  { createHash, hash }: typeof import('node:crypto'),
): void {
  const { descriptor, chunkBytes, algorithm, prefix }: HashThreadData = workerData;
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const whole = createHash(algorithm).update(prefix);
  /** The first byte that has not been taken in. */
  let position = 0;

  /** Reads a piece; false where the file ends before it does. */
  const read = (offset: number, length: number): boolean => {
    for (let done = 0; done < length; ) {
      const count = readSync(descriptor, buffer, done, length - done, offset + done);
      if (count === 0) return false;
      done += count;
    }
    return true;
  };
  const extend = (offset: number, length: number, expected: string | undefined): boolean => {
    if (offset !== position || !read(offset, length)) return false;
    const bytes = buffer.subarray(0, length);
    if (expected !== undefined && hash('sha256', bytes) !== expected) return false;
    whole.update(bytes);
    position += length;
    return true;
  };

  parentPort?.on('message', (order: HashRequest) => {
    const { id } = order;
    try {
      const value = order.kind === 'extend' ? extend(order.offset, order.length, order.expected) : whole.digest('hex');
      parentPort.postMessage({ id, value } satisfies HashAnswer);
    } catch (error) {
      const { code = '', message = '' } = error as { code?: string; message?: string };
      parentPort.postMessage({ id, fault: { code, message } } satisfies HashAnswer);
    }
  });
}
