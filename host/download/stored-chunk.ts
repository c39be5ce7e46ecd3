import { type ChunkGrid, chunkChecksum } from '../model-files/chunks.ts';
import type { PartialFile } from './partial-file.ts';

/** State of a chunk: missing, stored by this download, or stored by an earlier process with a checksum in the index. */
export type ChunkState = 'missing' | 'stored' | { readonly sum: string };

/** Reads the chunks of a file into a reused buffer. A chunk is valid until the next one is read. */
export class StoredChunks {
  readonly #grid: ChunkGrid;
  readonly #file: PartialFile;
  readonly #buffer: Buffer;

  constructor(grid: ChunkGrid, file: PartialFile) {
    this.#grid = grid;
    this.#file = file;
    this.#buffer = Buffer.allocUnsafe(Math.min(grid.chunkBytes, grid.size));
  }

  /**
   * Returns the bytes of a chunk; undefined if it is damaged. A chunk of an earlier process is compared with its
   * checksum in the index, because it may have changed since; chunks of this download are trusted.
   */
  async read(chunk: number, state: Exclude<ChunkState, 'missing'>): Promise<Buffer | undefined> {
    const length = this.#grid.bytesOf(chunk);
    const bytes = await this.#file.read(this.#buffer, this.#grid.startOf(chunk), length);
    if (bytes.length < length) return undefined;
    if (state === 'stored') return bytes;
    return chunkChecksum(bytes) === state.sum ? bytes : undefined;
  }
}
