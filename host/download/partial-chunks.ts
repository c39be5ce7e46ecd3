import { sum } from '../common/sum.ts';
import { ChunkCursor } from './chunk-cursor.ts';
import { type ChunkGrid, type ChunkRun, chunkHash } from './chunks.ts';
import type { PartialFile } from './partial-file.ts';

/** Bytes read back at a time. */
const READ_BYTES = 256 * 1024;

/** The first bytes of a chunk that is not whole, and their checksum. */
export interface PartialChunk {
  readonly bytes: number;
  readonly sum: string;
}

/**
 * The chunks of which a download that was stopped left the beginning. On a slow line a chunk takes a minute, and each
 * connection has one: they are gone on with, not fetched again.
 */
export class PartialChunks {
  readonly #grid: ChunkGrid;
  readonly #begun = new Map<number, PartialChunk>();

  constructor(grid: ChunkGrid) {
    this.#grid = grid;
  }

  has(chunk: number): boolean {
    return this.#begun.has(chunk);
  }

  /** Takes what is there of a chunk; false where that cannot be. */
  add(chunk: number, begun: PartialChunk): boolean {
    if (begun.bytes >= this.#grid.bytesOf(chunk)) return false;
    this.#begun.set(chunk, begun);
    return true;
  }

  /** Forgets them all; gives how many bytes that was. */
  clear(): number {
    const bytes = sum([...this.#begun.values()].map((begun) => begun.bytes));
    this.#begun.clear();
    return bytes;
  }

  /**
   * Begins a run: behind what there is of its first chunk, where that is still what the index says.
   *
   * @param onLost Hears how many bytes turned out to be others, and are fetched again.
   */
  async begin(run: ChunkRun, file: PartialFile, onLost: (bytes: number) => void): Promise<ChunkCursor> {
    const cursor = new ChunkCursor(this.#grid, run);
    const begun = this.#begun.get(run.first);
    if (begun === undefined) return cursor;
    this.#begun.delete(run.first);
    const found = chunkHash();
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, begun.bytes));
    while (cursor.bytesInChunk < begun.bytes) {
      const wanted = Math.min(buffer.length, begun.bytes - cursor.bytesInChunk);
      const bytes = await file.read(buffer, cursor.position, wanted);
      if (bytes.length === 0) break;
      found.update(bytes);
      cursor.advance(bytes);
    }
    if (found.digest('hex') === begun.sum) return cursor;
    onLost(begun.bytes);
    return new ChunkCursor(this.#grid, run);
  }
}
