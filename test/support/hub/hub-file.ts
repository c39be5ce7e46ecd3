import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A file's content: bytes, or the path of a file; `inMemory` reads the file once, so that sending it costs little. */
export type Content = Buffer | { readonly path: string; readonly inMemory?: boolean };

/** A file that the hub serves, with its size and checksum. */
export class HubFile {
  readonly size: number;
  readonly #content: Content;
  /** Bytes sent at a time. */
  readonly #pieceBytes: number;
  #sha256: Promise<string> | undefined;

  constructor(content: Content) {
    this.#content = Buffer.isBuffer(content) || !content.inMemory ? content : bytesOf(content.path);
    this.#pieceBytes = Buffer.isBuffer(content) ? PIECE_BYTES : LARGE_PIECE_BYTES;
    this.size = Buffer.isBuffer(content) ? content.length : statSync(content.path).size;
  }

  /** Returns the SHA-256 of the file in hex, computed once. */
  sha256(): Promise<string> {
    this.#sha256 ??= this.#hash();
    return this.#sha256;
  }

  /** Returns the bytes from `start` up to but not including `end`. */
  read(start: number, end: number): Readable {
    if (end <= start) return Readable.from([]);
    if (Buffer.isBuffer(this.#content))
      return Readable.from(pieces(this.#content.subarray(start, end), this.#pieceBytes));
    return createReadStream(this.#content.path, { start, end: end - 1, highWaterMark: this.#pieceBytes });
  }

  async #hash(): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(this.read(0, this.size), hash);
    return hash.digest('hex');
  }
}

/** Bytes sent at a time; small, so that a body can be interrupted and slowed down anywhere. */
const PIECE_BYTES = 64 * 1024;

/** Bytes sent at a time from a file on the disk, which is large. */
const LARGE_PIECE_BYTES = 512 * 1024;

function* pieces(bytes: Buffer, length: number): Generator<Buffer> {
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
