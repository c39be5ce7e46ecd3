import { MAX_HEADER_BYTES, MAX_STRING_BYTES } from './limits.ts';
import type { ByteSource } from './model.ts';
import { quote, type Rejection } from './reject.ts';

/** Bytes of the first window: enough for a whole header without a vocabulary, and for the front of any other. */
const FIRST_WINDOW = 256 * 1024;

/** Windows double up to this, bytes: a header of 8 MB is five range requests, and memory stays small. */
const LARGEST_WINDOW = 4 * 1024 * 1024;

/**
 * Reads a header front to back through windows of its source, whatever the header's length. Every step is checked
 * against the end of the file before it is made; a step past it is a rejection, never a short value.
 */
export class WindowReader {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  readonly #reject: Rejection;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #nextWindow = FIRST_WINDOW;
  #position = 0;

  constructor(source: ByteSource, reject: Rejection, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#reject = reject;
    this.#signal = signal;
  }

  /** Bytes from the start of the file. */
  get position(): number {
    return this.#position;
  }

  /** Bytes to the end of the file. */
  get left(): number {
    return this.#source.size - this.#position;
  }

  /** The next `length` bytes, without moving; fewer where the file ends. */
  async peek(length: number): Promise<Buffer> {
    await this.#fill(Math.min(length, this.left));
    return this.#buffered(Math.min(length, this.left));
  }

  /** The next `length` bytes, valid until the next read. */
  async bytes(length: number): Promise<Buffer> {
    this.#demand(length);
    await this.#fill(length);
    const bytes = this.#buffered(length);
    this.#position += length;
    return bytes;
  }

  async uint32(): Promise<number> {
    return (await this.bytes(4)).readUInt32LE();
  }

  /** A 64-bit count or offset. `what` names it where it is beyond what a file can hold. */
  async count(what: string): Promise<number> {
    return this.#countAt(await this.bytes(8), what);
  }

  /** A string with its length before it. `what` names it in a rejection, `limit` is in bytes. */
  async string(what: string, limit: number): Promise<string> {
    const length = await this.count(`the length of ${what}`);
    this.#checkLength(length, what, limit);
    return (await this.bytes(length)).toString('utf8');
  }

  /** Passes over `length` bytes without fetching them. */
  skip(length: number): void {
    this.#demand(length);
    this.#position += length;
  }

  /**
   * Passes over `count` strings. With `unique`, refuses one that stands twice (empty ones aside). A vocabulary has
   * some 10^5 strings: those that lie in the window are read without waiting.
   */
  async skipStrings(count: number, what: string, unique: boolean): Promise<void> {
    const seen = new Set<string>();
    for (let left = count; left > 0; left--) {
      if (!this.#holds(8)) {
        this.#demand(8);
        await this.#fill(8);
      }
      const length = this.#countAt(this.#buffered(8), `the length of ${what}`);
      this.#checkLength(length, what, MAX_STRING_BYTES);
      this.#demand(8 + length);
      this.#position += 8;
      if (unique && length > 0) {
        if (!this.#holds(length)) await this.#fill(length);
        const text = this.#buffered(length).toString('latin1');
        if (seen.has(text)) throw this.#twice(what);
        seen.add(text);
      }
      this.#position += length;
    }
  }

  #twice(what: string): Error {
    const text = quote(this.#buffered(8).toString('utf8'));
    return this.#reject(`${what} stands twice: the one that begins with ${text}`, {
      expected: 'each string once',
      found: text,
    });
  }

  /** Two halves in place of one BigInt: a header has some 10^5 of these. */
  #countAt(bytes: Buffer, what: string): number {
    const high = bytes.readUInt32LE(4);
    if (high < 2 ** 21) return high * 2 ** 32 + bytes.readUInt32LE();
    const value = String(bytes.readBigUInt64LE());
    throw this.#reject(`${what} is given as ${value}`, { expected: 'a number below 2^53', found: value });
  }

  #checkLength(length: number, what: string, limit: number): void {
    if (length <= limit) return;
    throw this.#reject(`${what} has a declared length of ${length} bytes, more than the ${limit} allowed`, {
      expected: `at most ${limit} bytes`,
      found: length,
    });
  }

  #demand(length: number): void {
    const end = this.#position + length;
    if (end > this.#source.size) {
      throw this.#reject(
        `the file is truncated: its header extends to at least byte ${end}, but the file has ${this.#source.size} bytes`,
        { expected: `at least ${end} bytes`, found: this.#source.size },
      );
    }
    if (end > MAX_HEADER_BYTES) {
      throw this.#reject(`its header is longer than the ${MAX_HEADER_BYTES} bytes allowed`, {
        expected: `at most ${MAX_HEADER_BYTES} bytes`,
        found: end,
      });
    }
  }

  #buffered(length: number): Buffer {
    const start = this.#position - this.#windowStart;
    return this.#window.subarray(start, start + length);
  }

  /** Says whether the next `length` bytes are in the window. */
  #holds(length: number): boolean {
    const start = this.#position - this.#windowStart;
    return start >= 0 && start + length <= this.#window.length;
  }

  async #fill(length: number): Promise<void> {
    if (this.#holds(length)) return;
    this.#signal?.throwIfAborted();
    const wanted = Math.min(Math.max(length, this.#nextWindow), this.left);
    const bytes = await this.#source.read(this.#position, wanted, this.#signal);
    if (bytes.length < length) {
      throw this.#reject(`it ended at byte ${this.#position + bytes.length} while it was read`, {
        expected: `${this.#source.size} bytes`,
        found: this.#position + bytes.length,
      });
    }
    this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#windowStart = this.#position;
    this.#nextWindow = Math.min(this.#nextWindow * 2, LARGEST_WINDOW);
  }
}
