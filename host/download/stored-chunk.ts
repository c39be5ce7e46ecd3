import { type ChunkGrid, chunkChecksum } from '../model-files/chunks.ts';
import type { PartialFile } from './partial-file.ts';

/** State of a chunk: missing, stored by this download, or stored by an earlier one with this checksum in the index. */
export type ChunkState = 'missing' | 'stored' | { readonly sum: string };

/** Reads the chunks of a file, one at a time into one buffer: a chunk is valid until the next one is read. */
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
   * Returns the bytes of a chunk, or undefined if it is damaged. What this download wrote is trusted; a chunk of an earlier
   * process is compared with its checksum in the index, since its bytes may have changed meanwhile.
   */
  async read(chunk: number, state: Exclude<ChunkState, 'missing'>): Promise<Buffer | undefined> {
    const length = this.#grid.bytesOf(chunk);
    const bytes = await this.#file.read(this.#buffer, this.#grid.startOf(chunk), length);
    if (bytes.length < length) return undefined;
    if (state === 'stored') return bytes;
    return chunkChecksum(bytes) === state.sum ? bytes : undefined;
  }
}
