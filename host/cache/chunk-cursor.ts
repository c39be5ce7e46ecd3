import { createHash, type Hash } from 'node:crypto';
import type { ChunkGrid, ChunkRun } from './chunks.ts';

/** A place in a run of chunks, with the hash of the chunk it is in. */
export class ChunkCursor {
  readonly #grid: ChunkGrid;
  readonly #end: number;
  chunk: number;
  position: number;
  #hash: Hash = createHash('sha256');

  constructor(grid: ChunkGrid, run: ChunkRun) {
    this.#grid = grid;
    this.#end = run.end;
    this.chunk = run.first;
    this.position = grid.startOf(run.first);
  }

  get done(): boolean {
    return this.chunk >= this.#end;
  }

  /** Bytes until the chunk is whole. */
  get missingInChunk(): number {
    return this.#grid.endOf(this.chunk) - this.position;
  }

  /** Bytes of the present chunk that came. */
  get bytesInChunk(): number {
    return this.done ? 0 : this.position - this.#grid.startOf(this.chunk);
  }

  /** Goes on by bytes of the present chunk; gives its SHA-256 when they are its last. */
  advance(bytes: Uint8Array): string | undefined {
    this.#hash.update(bytes);
    this.position += bytes.length;
    if (this.missingInChunk > 0) return undefined;
    const sha256 = this.#hash.digest('hex');
    this.#hash = createHash('sha256');
    this.chunk += 1;
    return sha256;
  }
}
