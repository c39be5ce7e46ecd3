import { type ChunkGrid, chunkChecksum } from './chunks.ts';
import type { PartialFile } from './partial-file.ts';

/** Where a chunk stands: not there, there by this download, or there by the word of the index of an earlier one. */
export type ChunkState = 'missing' | 'stored' | { readonly sum: string };

/** Reads the chunks of a file back, one at a time into one buffer: a chunk is good until the next is read. */
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
   * The chunk's bytes; undefined when they are not what they should be. What this download wrote is believed; what an
   * earlier process left is compared with what the index says of it: bytes may have changed while nobody looked.
   */
  async read(chunk: number, state: Exclude<ChunkState, 'missing'>): Promise<Buffer | undefined> {
    const length = this.#grid.bytesOf(chunk);
    const bytes = await this.#file.read(this.#buffer, this.#grid.startOf(chunk), length);
    if (bytes.length < length) return undefined;
    if (state === 'stored') return bytes;
    return chunkChecksum(bytes) === state.sum ? bytes : undefined;
  }
}
