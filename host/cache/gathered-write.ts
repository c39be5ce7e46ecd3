import type { PartialFile } from './partial-file.ts';

/** Bytes written at once. A slow line brings a few at a time, and a write each would cost more than the bytes. */
const WRITE_BYTES = 512 * 1024;

/**
 * Gathers what comes at one place of a file, and writes it in larger pieces. Takes a copy of what it keeps: the memory
 * that bytes come in is used again for the next ones, and so is this, for as long as a connection lives.
 */
export class GatheredWrite {
  readonly #file: PartialFile;
  readonly #onWritten: (bytes: number) => void;
  #memory: Buffer | undefined;
  #bytes = 0;
  #offset = 0;

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
    for (let rest = bytes, at = offset; rest.length > 0; ) {
      if (this.#bytes === 0 && rest.length >= WRITE_BYTES) return this.#write(rest, at);
      if (this.#bytes === 0) this.#offset = at;
      this.#memory ??= Buffer.allocUnsafeSlow(WRITE_BYTES);
      const taken = rest.subarray(0, WRITE_BYTES - this.#bytes);
      this.#memory.set(taken, this.#bytes);
      this.#bytes += taken.length;
      at += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#bytes === WRITE_BYTES) await this.flush();
    }
  }

  /** Writes what is there. */
  async flush(): Promise<void> {
    if (this.#bytes === 0 || this.#memory === undefined) return;
    const bytes = this.#memory.subarray(0, this.#bytes);
    this.#bytes = 0;
    await this.#write(bytes, this.#offset);
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    await this.#file.writeAll(bytes, offset);
    this.#onWritten(bytes.length);
  }
}
