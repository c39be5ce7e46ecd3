import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import type { ByteSource } from '../gguf/model.ts';
import { UnusableRange } from './hub-error.ts';
import type { ByteRange, RangeStream, RemoteFile } from './types.ts';

/**
 * Size of the first window, in bytes: enough for most headers without a vocabulary. Each further window is twice as
 * large.
 */
const FIRST_WINDOW_BYTES = 256 * 1024;
/** Maximum size of a window, in bytes. */
const MAX_WINDOW_BYTES = 4 * 1024 * 1024;
/** Maximum number of bytes fetched per file. The largest headers (260,000 tokens with merges) have about 20 MB. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;

/** Functions with which a remote source fetches bytes. */
export interface RemoteAccess {
  open(range: ByteRange | undefined, options: { signal?: AbortSignal }): Promise<RangeStream>;
  /** Runs `work` and retries it after transient errors. */
  withRetries<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
}

/**
 * Reads the header of a file on the hub without downloading the file. Fetches windows of increasing size, because
 * headers are read sequentially.
 */
export class RemoteSource implements ByteSource {
  readonly size: number;
  readonly #remote: RemoteFile;
  readonly #access: RemoteAccess;
  #window: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };
  #nextWindow = FIRST_WINDOW_BYTES;
  #fetched = 0;
  /** Whether the server does not support ranges. The file is then read from its start. */
  #ignoresRanges = false;

  constructor(remote: RemoteFile, access: RemoteAccess) {
    this.size = remote.size;
    this.#remote = remote;
    this.#access = access;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.size);
    if (end <= offset) return new Uint8Array(0);
    const { start, bytes } = this.#window;
    if (offset < start || end > start + bytes.length) {
      const until = Math.min(this.size, Math.max(end, offset + this.#nextWindow));
      this.#nextWindow = Math.min(MAX_WINDOW_BYTES, this.#nextWindow * 2);
      this.#window = await this.#access.withRetries(() => this.#fetch(offset, until, signal), signal);
    }
    return this.#window.bytes.subarray(offset - this.#window.start, end - this.#window.start);
  }

  async close(): Promise<void> {
    this.#window = { start: 0, bytes: new Uint8Array() };
  }

  async #fetch(
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<{ start: number; bytes: Uint8Array }> {
    const chunks: Uint8Array[] = [];
    for (let at = start; at < end; ) {
      if (this.#fetched + end - at > MAX_TOTAL_BYTES) throw tooLarge(this.#remote);
      const stream = await this.#open({ start: at, end }, signal);
      let position = stream.start;
      // A server may send more or less than the range.
      for await (const chunk of stream.body) {
        this.#fetched += chunk.length;
        if (this.#fetched > MAX_TOTAL_BYTES) throw tooLarge(this.#remote);
        const wanted = chunk.subarray(Math.min(Math.max(0, at - position), chunk.length)).subarray(0, end - at);
        position += chunk.length;
        at += wanted.length;
        chunks.push(Buffer.from(wanted));
        if (at === end) break;
      }
    }
    return { start, bytes: Buffer.concat(chunks) };
  }

  async #open(range: ByteRange, signal: AbortSignal | undefined): Promise<RangeStream> {
    const options = defined({ signal });
    if (this.#ignoresRanges) return this.#access.open(undefined, options);
    try {
      return await this.#access.open(range, options);
    } catch (error) {
      if (!(error instanceof UnusableRange)) throw error;
      this.#ignoresRanges = true;
      return this.#access.open(undefined, options);
    }
  }
}

function tooLarge({ name, file }: RemoteFile): HostError {
  return new HostError(
    'MODEL_REJECTED',
    `${name.repoId}/${file} is not a valid model file: its header is larger than ${MAX_TOTAL_BYTES} bytes.`,
    { details: { fileName: file, expected: `at most ${MAX_TOTAL_BYTES} bytes` } },
  );
}
