import type { Hash } from 'node:crypto';
import { type ChunkGrid, type ChunkRun, chunkHash } from './chunks.ts';

/** A chunk that came whole. */
export interface WholeChunk {
  readonly chunk: number;
  readonly sum: string;
}

/** A place in a run of chunks, and the checksum of what came of the present one. */
export class ChunkCursor {
  readonly #grid: ChunkGrid;
  readonly #end: number;
  #hash: Hash | undefined;
  chunk: number;
  position: number;

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

  /** The checksum of what came of the present chunk. Once: the cursor goes no further. */
  endSum(): string {
    return (this.#hash ?? chunkHash()).digest('hex');
  }

  /** Goes on by bytes of the present chunk; gives the chunk when they are its last. */
  advance(bytes: Uint8Array): WholeChunk | undefined {
    this.#hash ??= chunkHash();
    this.#hash.update(bytes);
    this.position += bytes.length;
    if (this.missingInChunk > 0) return undefined;
    const whole = { chunk: this.chunk, sum: this.#hash.digest('hex') };
    this.#hash = undefined;
    this.chunk += 1;
    return whole;
  }
}
