import { MAX_HEADER_BYTES, MAX_STRING_BYTES } from './limits.ts';
import type { ByteSource } from './model.ts';
import { quote, type Rejection } from './reject.ts';

/** Size of the first window, in bytes: enough for a whole header without a vocabulary. */
const FIRST_WINDOW_BYTES = 256 * 1024;

/** Maximum size of a window, in bytes. Windows double up to this size: a header of 8 MB takes five range requests. */
const MAX_WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Reads a header sequentially, in windows. Every read is checked against the size of the file: a read past the end
 * throws a rejection instead of returning fewer bytes.
 */
export class WindowReader {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  readonly #reject: Rejection;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #nextWindow = FIRST_WINDOW_BYTES;
  #position = 0;

  constructor(source: ByteSource, reject: Rejection, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#reject = reject;
    this.#signal = signal;
  }

  /** Current position, in bytes from the start of the file. */
  get position(): number {
    return this.#position;
  }

  /** Bytes from the current position to the end of the file. */
  get remaining(): number {
    return this.#source.size - this.#position;
  }

  /** Returns the next `length` bytes without advancing; fewer at the end of the file. */
  async peek(length: number): Promise<Buffer> {
    await this.#fill(Math.min(length, this.remaining));
    return this.#buffered(Math.min(length, this.remaining));
  }

  /** Reads `length` bytes. The buffer is valid until the next read. */
  async bytes(length: number): Promise<Buffer> {
    this.#assertAvailable(length);
    await this.#fill(length);
    const bytes = this.#buffered(length);
    this.#position += length;
    return bytes;
  }

  async uint32(): Promise<number> {
    return (await this.bytes(4)).readUInt32LE();
  }

  /** Reads a 64-bit count or offset and rejects values of 2^53 and more. `what` names it in the message. */
  async count(what: string): Promise<number> {
    return this.#countAt(await this.bytes(8), what);
  }

  /** Reads a length-prefixed string of at most `limit` bytes. `what` names it in the message. */
  async string(what: string, limit: number): Promise<string> {
    const length = await this.count(`the length of ${what}`);
    this.#checkLength(length, what, limit);
    return (await this.bytes(length)).toString('utf8');
  }

  /** Skips `length` bytes without fetching them. */
  skip(length: number): void {
    this.#assertAvailable(length);
    this.#position += length;
  }

  /**
   * Skips `count` strings. With `unique`, rejects duplicates other than empty strings. Strings in the window are read
   * synchronously, because a vocabulary has about 10^5 of them.
   */
  async skipStrings(count: number, what: string, unique: boolean): Promise<void> {
    const seen = new Set<string>();
    for (let remaining = count; remaining > 0; remaining--) {
      if (!this.#isBuffered(8)) {
        this.#assertAvailable(8);
        await this.#fill(8);
      }
      const length = this.#countAt(this.#buffered(8), `the length of ${what}`);
      this.#checkLength(length, what, MAX_STRING_BYTES);
      this.#assertAvailable(8 + length);
      this.#position += 8;
      if (unique && length > 0) {
        if (!this.#isBuffered(length)) await this.#fill(length);
        const text = this.#buffered(length).toString('latin1');
        if (seen.has(text)) throw this.#duplicate(what);
        seen.add(text);
      }
      this.#position += length;
    }
  }

  #duplicate(what: string): Error {
    const text = quote(this.#buffered(8).toString('utf8'));
    return this.#reject(`${what} occurs twice: the one that starts with ${text}`, {
      expected: 'each string once',
      found: text,
    });
  }

  /** Reads two 32-bit halves instead of a BigInt, which is faster: a header has about 10^5 counts. */
  #countAt(bytes: Buffer, what: string): number {
    const high = bytes.readUInt32LE(4);
    if (high < 2 ** 21) return high * 2 ** 32 + bytes.readUInt32LE();
    const value = String(bytes.readBigUInt64LE());
    throw this.#reject(`${what} is ${value}`, { expected: 'a number below 2^53', found: value });
  }

  #checkLength(length: number, what: string, limit: number): void {
    if (length <= limit) return;
    throw this.#reject(`${what} has a declared length of ${length} bytes, more than the ${limit} allowed`, {
      expected: `at most ${limit} bytes`,
      found: length,
    });
  }

  #assertAvailable(length: number): void {
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

  /** Returns whether the next `length` bytes are in the window. */
  #isBuffered(length: number): boolean {
    const start = this.#position - this.#windowStart;
    return start >= 0 && start + length <= this.#window.length;
  }

  async #fill(length: number): Promise<void> {
    if (this.#isBuffered(length)) return;
    this.#signal?.throwIfAborted();
    const wanted = Math.min(Math.max(length, this.#nextWindow), this.remaining);
    const bytes = await this.#source.read(this.#position, wanted, this.#signal);
    if (bytes.length < length) {
      throw this.#reject(`reading it ended unexpectedly at byte ${this.#position + bytes.length}`, {
        expected: `${this.#source.size} bytes`,
        found: this.#position + bytes.length,
      });
    }
    this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#windowStart = this.#position;
    this.#nextWindow = Math.min(this.#nextWindow * 2, MAX_WINDOW_BYTES);
  }
}
