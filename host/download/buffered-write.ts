import type { PartialFile } from './partial-file.ts';

/**
 * Size of the buffer, in bytes. A slow connection delivers small pieces; writing each of them would be inefficient.
 */
const BUFFER_BYTES = 256 * 1024;

/**
 * Maximum time that bytes stay in the buffer, in milliseconds. It keeps progress on a slow connection visible, and
 * limits what is lost if the connection is interrupted.
 */
const MAX_DELAY_MS = 500;

/** Minimum size of a piece that is written directly, in bytes: a write costs less than copying it. */
const DIRECT_BYTES = 64 * 1024;

/**
 * Buffers small pieces of consecutive bytes and writes them to the file together. Buffered bytes are copied, because
 * the memory of received bytes is reused. The buffer is reused for the lifetime of a connection.
 */
export class BufferedWrite {
  readonly #file: PartialFile;
  readonly #onWritten: (bytes: number) => void;
  #memory: Buffer | undefined;
  #bytes = 0;
  #offset = 0;
  /** When the first byte in the buffer arrived. */
  #since = 0;

  /** @param onWritten Called with the number of bytes after each write. */
  constructor(file: PartialFile, onWritten: (bytes: number) => void) {
    this.#file = file;
    this.#onWritten = onWritten;
  }

  /** Number of bytes that have not been written yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /**
   * Adds bytes at `offset`, which must directly follow the previous bytes unless {@link flush} was called. The caller
   * may reuse their memory when the promise has resolved.
   */
  async add(bytes: Uint8Array, offset: number): Promise<void> {
    if (bytes.length >= DIRECT_BYTES) {
      await this.flush();
      return this.#write(bytes, offset);
    }
    if (this.#bytes + bytes.length > BUFFER_BYTES) await this.flush();
    if (this.#bytes === 0) {
      this.#offset = offset;
      this.#since = performance.now();
    }
    this.#memory ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#memory.set(bytes, this.#bytes);
    this.#bytes += bytes.length;
    if (performance.now() - this.#since >= MAX_DELAY_MS) await this.flush();
  }

  /** Writes the buffered bytes. */
  async flush(): Promise<void> {
    if (this.#bytes === 0 || this.#memory === undefined) return;
    await this.#write(this.#memory.subarray(0, this.#bytes), this.#offset);
    this.#bytes = 0;
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    await this.#file.writeAll(bytes, offset);
    this.#onWritten(bytes.length);
  }
}
