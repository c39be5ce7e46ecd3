import type { PartialFile } from './partial-file.ts';

/**
 * Size of the buffer, in bytes. A slow connection delivers small pieces, and a write for each would cost more than the
 * bytes.
 */
const BUFFER_BYTES = 256 * 1024;

/**
 * Longest time that bytes stay in the buffer, in milliseconds: progress on a slow connection is visible, and kept when
 * it stops.
 */
const MAX_DELAY_MS = 500;

/** Pieces of at least this many bytes are written directly: a write costs less than copying them. */
const DIRECT_BYTES = 64 * 1024;

/**
 * Collects small pieces of consecutive bytes and writes them to the file in larger ones. It copies what it keeps: the
 * memory of received bytes is reused, and so is this buffer, for as long as a connection lives.
 */
export class BufferedWrite {
  readonly #file: PartialFile;
  readonly #onWritten: (bytes: number) => void;
  #memory: Buffer | undefined;
  #bytes = 0;
  #offset = 0;
  /** When the first byte in the buffer arrived. */
  #since = 0;

  /** @param onWritten Called with the number of bytes that were written. */
  constructor(file: PartialFile, onWritten: (bytes: number) => void) {
    this.#file = file;
    this.#onWritten = onWritten;
  }

  /** Bytes that arrived and are not written yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /**
   * Accepts bytes for `offset`: directly behind the bytes before, or anywhere after a {@link flush}. The caller may
   * reuse their memory once this resolved.
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
