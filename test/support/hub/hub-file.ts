import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A file's content: bytes, or where they lie; `inMemory` has them read once, so that sending costs as little as it can. */
export type Content = Buffer | { readonly path: string; readonly inMemory?: boolean };

/** A file a hub serves, with what the hub says of it. */
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

  /** Hex SHA-256 of the whole, computed once. */
  sha256(): Promise<string> {
    this.#sha256 ??= this.#hash();
    return this.#sha256;
  }

  /** The bytes from `start` up to and not including `end`. */
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

/** Bytes that are sent at a time, so that a body can be cut and slowed anywhere. */
const PIECE_BYTES = 64 * 1024;

/** The same of a file on the disk, which is large. */
const LARGE_PIECE_BYTES = 512 * 1024;

function* pieces(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** A whole file; `readFile` takes none of 2 GiB. */
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
