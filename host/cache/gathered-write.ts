import type { PartialFile } from './partial-file.ts';

/** Bytes written at once. A socket brings some 64 KiB at a time, and a write each would cost more than the bytes. */
const WRITE_BYTES = 1024 * 1024;

/** Gathers what comes at one place of a file, and writes it in larger pieces. */
export class GatheredWrite {
  readonly #file: PartialFile;
  readonly #onWritten: (bytes: number) => void;
  #pieces: Uint8Array[] = [];
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

  /** Takes bytes that belong at `offset`: right behind those before, or anywhere after a {@link flush}. */
  async add(bytes: Uint8Array, offset: number): Promise<void> {
    if (this.#bytes === 0) this.#offset = offset;
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= WRITE_BYTES) await this.flush();
  }

  /** Writes what is there. */
  async flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const [pieces, bytes] = [this.#pieces, this.#bytes];
    this.#pieces = [];
    this.#bytes = 0;
    await this.#file.writeAll(pieces, this.#offset);
    this.#onWritten(bytes);
  }
}
