import { HostError } from '../errors.ts';
import type { ByteSource } from '../gguf/model.ts';
import type { ByteRange, RangeStream, RemoteFile } from './types.ts';

/** The first window fetched, bytes: most headers without a vocabulary fit. Each further one is twice as large. */
const FIRST_WINDOW_BYTES = 256 * 1024;
/** The largest window, bytes. */
const MAX_WINDOW_BYTES = 4 * 1024 * 1024;
/** Most bytes fetched of one file. The largest vocabularies (260,000 tokens with merges) make headers of some 20 MB. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;

/** Reads a file of the hub as if it were here: in windows, which grow, since a header is read from front to back. */
export class RemoteSource implements ByteSource {
  readonly size: number;
  readonly #remote: RemoteFile;
  readonly #open: (range: ByteRange, options: { signal?: AbortSignal }) => Promise<RangeStream>;
  #window = { start: 0, bytes: Buffer.alloc(0) };
  #nextWindow = FIRST_WINDOW_BYTES;
  #fetched = 0;

  constructor(remote: RemoteFile, open: (range: ByteRange, options: { signal?: AbortSignal }) => Promise<RangeStream>) {
    this.size = remote.size;
    this.#remote = remote;
    this.#open = open;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.size);
    if (end <= offset) return new Uint8Array(0);
    const { start, bytes } = this.#window;
    if (offset < start || end > start + bytes.length) await this.#fetch(offset, end, signal);
    return this.#window.bytes.subarray(offset - this.#window.start, end - this.#window.start);
  }

  async close(): Promise<void> {
    this.#window = { start: 0, bytes: Buffer.alloc(0) };
  }

  async #fetch(start: number, needed: number, signal: AbortSignal | undefined): Promise<void> {
    const end = Math.min(this.size, Math.max(needed, start + this.#nextWindow));
    this.#fetched += end - start;
    if (this.#fetched > MAX_TOTAL_BYTES) throw tooLarge(this.#remote);
    this.#nextWindow = Math.min(MAX_WINDOW_BYTES, this.#nextWindow * 2);
    const stream = await this.#open({ start, end }, signal === undefined ? {} : { signal });
    const chunks: Uint8Array[] = [];
    let skip = start - stream.start;
    let missing = end - start;
    for await (const chunk of stream.body) {
      // A hub that knows no ranges sends the file from its beginning.
      const wanted = chunk.subarray(Math.min(skip, chunk.length)).subarray(0, missing);
      skip = Math.max(0, skip - chunk.length);
      chunks.push(wanted);
      missing -= wanted.length;
      if (missing === 0) break;
    }
    this.#window = { start, bytes: Buffer.concat(chunks) };
  }
}

function tooLarge({ name, file }: RemoteFile): HostError {
  return new HostError(
    'MODEL_REJECTED',
    `The header of ${name.repoId}/${file} is larger than ${MAX_TOTAL_BYTES} bytes, which no model's is.`,
    { details: { fileName: file, expected: `at most ${MAX_TOTAL_BYTES} bytes` } },
  );
}
