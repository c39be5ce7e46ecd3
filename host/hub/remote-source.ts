import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import type { ByteSource } from '../gguf/model.ts';
import type { ByteRange, RangeStream, RemoteFile } from './types.ts';

/** The first window fetched, bytes: most headers without a vocabulary fit. Each further one is twice as large. */
const FIRST_WINDOW_BYTES = 256 * 1024;
/** The largest window, bytes. */
const MAX_WINDOW_BYTES = 4 * 1024 * 1024;
/** Most bytes fetched of one file. The largest vocabularies (260,000 tokens with merges) make headers of some 20 MB. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;

/** How a remote source gets at bytes. */
export interface RemoteAccess {
  open(range: ByteRange, options: { signal?: AbortSignal }): Promise<RangeStream>;
  /** Tries again what failed on the way. */
  retried<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
}

/** Reads a file of the hub as if it were here: in windows, which grow, since a header is read from front to back. */
export class RemoteSource implements ByteSource {
  readonly size: number;
  readonly #remote: RemoteFile;
  readonly #access: RemoteAccess;
  #window: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };
  #nextWindow = FIRST_WINDOW_BYTES;
  #fetched = 0;

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
      this.#window = await this.#access.retried(() => this.#fetch(offset, until, signal), signal);
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
    if (this.#fetched + end - start > MAX_TOTAL_BYTES) throw tooLarge(this.#remote);
    const stream = await this.#access.open({ start, end }, defined({ signal }));
    const chunks: Uint8Array[] = [];
    let skip = start - stream.start;
    let missing = end - start;
    for await (const chunk of stream.body) {
      this.#fetched += chunk.length;
      if (this.#fetched > MAX_TOTAL_BYTES) throw tooLarge(this.#remote);
      // A hub that knows no ranges sends the file from its beginning.
      const wanted = chunk.subarray(Math.min(skip, chunk.length)).subarray(0, missing);
      skip = Math.max(0, skip - chunk.length);
      chunks.push(Buffer.from(wanted));
      missing -= wanted.length;
      if (missing === 0) break;
    }
    return { start, bytes: Buffer.concat(chunks) };
  }
}

function tooLarge({ name, file }: RemoteFile): HostError {
  return new HostError(
    'MODEL_REJECTED',
    `${name.repoId}/${file} is not a valid model file: its header is larger than ${MAX_TOTAL_BYTES} bytes.`,
    { details: { fileName: file, expected: `at most ${MAX_TOTAL_BYTES} bytes` } },
  );
}
