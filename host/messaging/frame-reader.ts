import { HostError } from '../common/errors.ts';
import { MAX_REQUEST_BYTES } from '../protocol/limits.ts';
import { LENGTH_BYTES } from './frame.ts';

/**
 * Splits a stream of bytes, in chunks of any size, into the bodies of its frames.
 *
 * A body within a chunk is a view of the chunk. Other bodies are allocated once, when their length is known, and chunks
 * are copied into them. Nothing is concatenated, and small chunks need no more memory than large ones.
 */
export class FrameReader {
  /** Chunks that have not been read completely, oldest first. `#offset`: the read position in the first chunk. */
  readonly #chunks: Uint8Array[] = [];
  #offset = 0;
  /** The bytes of a length field that is split across chunks. */
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthFilled = 0;
  /** The incomplete body. */
  #body: Buffer | undefined;
  #bodyFilled = 0;
  #error: HostError | undefined;

  /** Adds the next bytes of the stream. The caller must not change them afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /**
   * Returns the body of the next frame; undefined if more bytes are needed. After a length above `MAX_REQUEST_BYTES`,
   * every call returns `FRAME_TOO_LARGE`, because the start of the next frame is unknown.
   */
  read(): Uint8Array | HostError | undefined {
    while (this.#error === undefined) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return undefined;
      const body = this.#body === undefined ? this.#start(chunk) : this.#continue(chunk, this.#body);
      if (body !== undefined) return body;
    }
    return this.#error;
  }

  /** Returns `FRAME_TRUNCATED` if the stream ended inside a frame. Call it when `read` returns undefined. */
  end(): HostError | undefined {
    if (this.#body !== undefined) return truncated('body', this.#body.length, this.#bodyFilled);
    if (this.#lengthFilled > 0) return truncated('length', LENGTH_BYTES, this.#lengthFilled);
    return undefined;
  }

  /** Reads a length field, and the body if the chunk contains all of it. */
  #start(chunk: Uint8Array): Uint8Array | undefined {
    const length = this.#readLength(chunk);
    if (length === undefined) return undefined;
    if (length > MAX_REQUEST_BYTES) {
      this.#error = tooLarge(length);
      return undefined;
    }
    const start = this.#offset;
    if (chunk.length - start >= length) {
      this.#advance(chunk, length);
      return chunk.subarray(start, start + length);
    }
    // Neither pooled nor zero-filled: the system then allocates memory as bytes arrive, not for the claimed length.
    this.#body = Buffer.allocUnsafeSlow(length);
    this.#bodyFilled = 0;
    return undefined;
  }

  #readLength(chunk: Uint8Array): number | undefined {
    const at = this.#offset;
    if (this.#lengthFilled === 0 && chunk.length - at >= LENGTH_BYTES) {
      this.#offset = at + LENGTH_BYTES;
      return readUint32(chunk, at);
    }
    const part = chunk.subarray(at, at + LENGTH_BYTES - this.#lengthFilled);
    this.#length.set(part, this.#lengthFilled);
    this.#lengthFilled += part.length;
    if (this.#lengthFilled < LENGTH_BYTES) {
      this.#advance(chunk, part.length);
      return undefined;
    }
    this.#offset = at + part.length;
    this.#lengthFilled = 0;
    return readUint32(this.#length, 0);
  }

  #continue(chunk: Uint8Array, body: Buffer): Uint8Array | undefined {
    const part = chunk.subarray(this.#offset, this.#offset + body.length - this.#bodyFilled);
    body.set(part, this.#bodyFilled);
    this.#bodyFilled += part.length;
    this.#advance(chunk, part.length);
    if (this.#bodyFilled < body.length) return undefined;
    this.#body = undefined;
    return body;
  }

  #advance(chunk: Uint8Array, bytes: number): void {
    this.#offset += bytes;
    if (this.#offset < chunk.length) return;
    this.#chunks.shift();
    this.#offset = 0;
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  const byte = (i: number) => bytes[at + i] ?? 0;
  // Unsigned: a length above 2 GiB must not become negative, which would pass the limit check.
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

function tooLarge(found: number): HostError {
  return new HostError(
    'FRAME_TOO_LARGE',
    `The message is too large: ${found} bytes, but at most ${MAX_REQUEST_BYTES} are allowed. Restart the host.`,
    { details: { expected: MAX_REQUEST_BYTES, found } },
  );
}

function truncated(part: 'length' | 'body', expected: number, found: number): HostError {
  return new HostError(
    'FRAME_TRUNCATED',
    `The connection closed in the middle of a message (${found} of ${expected} bytes of its ${part} received). Send the request again.`,
    { details: { part, expected, found } },
  );
}
