import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** The content of a file: bytes, or a path. `inMemory` reads the file once, which makes sending it cheap. */
export type Content = Buffer | { readonly path: string; readonly inMemory?: boolean };

/** A file on the hub, with its size and checksum. */
export class HubFile {
  readonly size: number;
  readonly #content: Content;
  /** Size of a chunk, in bytes. */
  readonly #chunkBytes: number;
  #sha256: Promise<string> | undefined;

  constructor(content: Content) {
    this.#content = Buffer.isBuffer(content) || !content.inMemory ? content : bytesOf(content.path);
    this.#chunkBytes = Buffer.isBuffer(content) ? CHUNK_BYTES : LARGE_CHUNK_BYTES;
    this.size = Buffer.isBuffer(content) ? content.length : statSync(content.path).size;
  }

  /** Returns the SHA-256 of the file in hexadecimal. It is computed once. */
  sha256(): Promise<string> {
    this.#sha256 ??= this.#hash();
    return this.#sha256;
  }

  /** Returns the bytes from `start` to `end`, exclusive. */
  read(start: number, end: number): Readable {
    if (end <= start) return Readable.from([]);
    if (Buffer.isBuffer(this.#content))
      return Readable.from(chunks(this.#content.subarray(start, end), this.#chunkBytes));
    return createReadStream(this.#content.path, { start, end: end - 1, highWaterMark: this.#chunkBytes });
  }

  async #hash(): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(this.read(0, this.size), hash);
    return hash.digest('hex');
  }
}

/** Size of a chunk in bytes. It is small so that a body can be interrupted and slowed down anywhere. */
const CHUNK_BYTES = 64 * 1024;

/** Size of a chunk of a file on the disk, in bytes. Such files are large. */
const LARGE_CHUNK_BYTES = 512 * 1024;

function* chunks(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Reads a whole file; `readFile` does not support files of 2 GiB or more. */
function bytesOf(path: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(statSync(path).size);
  const descriptor = openSync(path, 'r');
  try {
    for (let done = 0; done < bytes.length; )
      done += readSync(descriptor, bytes, done, Math.min(2 ** 30, bytes.length - done), done);
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}
