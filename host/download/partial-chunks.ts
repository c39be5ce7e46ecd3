import { sum } from '../common/sum.ts';
import { type ChunkGrid, type ChunkRun, chunkHash } from '../model-files/chunks.ts';
import { ChunkCursor } from './chunk-cursor.ts';
import type { PartialFile } from './partial-file.ts';

/** Size of the buffer for checking a partial chunk, in bytes. */
const READ_BYTES = 256 * 1024;

/** The first bytes of an incomplete chunk, and their checksum. */
export interface PartialChunk {
  readonly bytes: number;
  readonly sum: string;
}

/**
 * The incomplete chunks of a stopped download, which are continued instead of downloaded again: on a slow network a
 * chunk takes a minute, and each connection has one.
 */
export class PartialChunks {
  readonly #grid: ChunkGrid;
  readonly #chunks = new Map<number, PartialChunk>();

  constructor(grid: ChunkGrid) {
    this.#grid = grid;
  }

  has(chunk: number): boolean {
    return this.#chunks.has(chunk);
  }

  /** Adds an incomplete chunk. Returns false if it has at least as many bytes as the chunk. */
  add(chunk: number, partial: PartialChunk): boolean {
    if (partial.bytes >= this.#grid.bytesOf(chunk)) return false;
    this.#chunks.set(chunk, partial);
    return true;
  }

  /** Removes all incomplete chunks. Returns their total number of bytes. */
  clear(): number {
    const bytes = sum([...this.#chunks.values()].map((partial) => partial.bytes));
    this.#chunks.clear();
    return bytes;
  }

  /**
   * Returns a cursor for a run, positioned after the bytes of its first chunk that are on the disk, if these match
   * their checksum.
   *
   * @param onLost Called with the number of bytes on the disk if they do not match and must be downloaded again.
   */
  async start(run: ChunkRun, file: PartialFile, onLost: (bytes: number) => void): Promise<ChunkCursor> {
    const cursor = new ChunkCursor(this.#grid, run);
    const partial = this.#chunks.get(run.first);
    if (partial === undefined) return cursor;
    this.#chunks.delete(run.first);
    const hash = chunkHash();
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, partial.bytes));
    while (cursor.bytesInChunk < partial.bytes) {
      const wanted = Math.min(buffer.length, partial.bytes - cursor.bytesInChunk);
      const bytes = await file.read(buffer, cursor.position, wanted);
      if (bytes.length === 0) break;
      hash.update(bytes);
      cursor.advance(bytes);
    }
    if (hash.digest('hex') === partial.sum) return cursor;
    onLost(partial.bytes);
    return new ChunkCursor(this.#grid, run);
  }
}
