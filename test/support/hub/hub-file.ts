import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A file's content: bytes, or where they lie. */
export type Content = Buffer | { readonly path: string };

/** A file a hub serves, with what the hub says of it. */
export class HubFile {
  readonly size: number;
  readonly #content: Content;
  #sha256: Promise<string> | undefined;

  constructor(content: Content) {
    this.#content = content;
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
    if (Buffer.isBuffer(this.#content)) return Readable.from(pieces(this.#content.subarray(start, end)));
    return createReadStream(this.#content.path, { start, end: end - 1, highWaterMark: DISK_PIECE_BYTES });
  }

  async #hash(): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(this.read(0, this.size), hash);
    return hash.digest('hex');
  }
}

/** The same of a file on the disk, which is large. */
const DISK_PIECE_BYTES = 512 * 1024;

/** Bytes that are sent at a time, so that a body can be cut and slowed anywhere. */
const PIECE_BYTES = 64 * 1024;

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
