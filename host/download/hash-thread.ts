/** Startup data of the thread. */
export interface HashThreadData {
  /** The descriptor of the open file. Descriptors belong to the process, so all threads can use them. */
  readonly descriptor: number;
  /** Maximum number of bytes per request. */
  readonly chunkBytes: number;
  /** Algorithm of the whole file's checksum. */
  readonly algorithm: 'sha256' | 'sha1';
  /** Text to hash before the first byte of the file. */
  readonly prefix: string;
}

/** A request to the thread. Requests are handled in order. */
export type HashRequest = { readonly id: number } & (
  | { readonly kind: 'extend'; readonly offset: number; readonly length: number; readonly expected: string | undefined }
  | { readonly kind: 'digest' }
);

/** The answer: the checksum, whether a range was added, or the error of reading the file. */
export type HashAnswer = { readonly id: number } & (
  | { readonly value: string | boolean }
  | { readonly error: { readonly code: string; readonly message: string } }
);

/**
 * The code of the hashing thread. The thread is started from the source text of this function, which avoids a separate
 * file in builds. The function must not refer to anything outside except types.
 */
export function hashThread(
  { parentPort, workerData }: typeof import('node:worker_threads'),
  { readSync }: typeof import('node:fs'),
  { createHash, hash }: typeof import('node:crypto'),
): void {
  const { descriptor, chunkBytes, algorithm, prefix }: HashThreadData = workerData;
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const whole = createHash(algorithm).update(prefix);
  /** Offset of the first byte that is not hashed yet. */
  let position = 0;

  /** Reads a range; returns false if the file is too short. */
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

  parentPort?.on('message', (request: HashRequest) => {
    const { id } = request;
    try {
      const value =
        request.kind === 'extend' ? extend(request.offset, request.length, request.expected) : whole.digest('hex');
      parentPort.postMessage({ id, value } satisfies HashAnswer);
    } catch (error) {
      const { code = '', message = '' } = error as { code?: string; message?: string };
      parentPort.postMessage({ id, error: { code, message } } satisfies HashAnswer);
    }
  });
}
