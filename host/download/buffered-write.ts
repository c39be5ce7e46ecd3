import type { PartialFile } from './partial-file.ts';

/** Bytes gathered at most. A slow line brings a few at a time, and a write each would cost more than the bytes. */
const GATHERED_BYTES = 256 * 1024;

/** Longest that bytes wait for more, milliseconds: what a slow line brings is to be seen, and to be there when it stops. */
const WAIT_MS = 500;

/** As many that come together are written as they are: a write costs less than a copy of them. */
const DIRECT_BYTES = 64 * 1024;

/**
 * Gathers what comes at one place of a file in small pieces, and writes it in larger ones. Takes a copy of what it keeps:
 * the memory that bytes come in is used again for the next ones, and so is this, for as long as a connection lives.
 */
export class BufferedWrite {
  readonly #file: PartialFile;
  readonly #onWritten: (bytes: number) => void;
  #memory: Buffer | undefined;
  #bytes = 0;
  #offset = 0;
  /** When the first of them came. */
  #since = 0;

  /** @param onWritten Hears how many bytes have gone to the disk. */
  constructor(file: PartialFile, onWritten: (bytes: number) => void) {
    this.#file = file;
    this.#onWritten = onWritten;
  }

  /** Bytes that have come and are not on the disk yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /**
   * Takes bytes that belong at `offset`: right behind those before, or anywhere after a {@link flush}. They are not
   * looked at again once this has resolved.
   */
  async add(bytes: Uint8Array, offset: number): Promise<void> {
    if (bytes.length >= DIRECT_BYTES) {
      await this.flush();
      return this.#write(bytes, offset);
    }
    if (this.#bytes + bytes.length > GATHERED_BYTES) await this.flush();
    if (this.#bytes === 0) {
      this.#offset = offset;
      this.#since = performance.now();
    }
    this.#memory ??= Buffer.allocUnsafeSlow(GATHERED_BYTES);
    this.#memory.set(bytes, this.#bytes);
    this.#bytes += bytes.length;
    if (performance.now() - this.#since >= WAIT_MS) await this.flush();
  }

  /** Writes what is there. */
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
