import type { Hash } from 'node:crypto';
import { type ChunkGrid, type ChunkRun, chunkHash } from '../model-files/chunks.ts';

/** A chunk that arrived completely. */
export interface CompleteChunk {
  readonly chunk: number;
  readonly sum: string;
}

/** A position in a run of chunks, and the checksum of what arrived of the current one. */
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

  /** Bytes until the current chunk is complete. */
  get missingInChunk(): number {
    return this.#grid.endOf(this.chunk) - this.position;
  }

  /** Bytes of the current chunk that arrived. */
  get bytesInChunk(): number {
    return this.done ? 0 : this.position - this.#grid.startOf(this.chunk);
  }

  /** Returns the checksum of what arrived of the current chunk. Can be called once: the cursor ends here. */
  finish(): string {
    return (this.#hash ?? chunkHash()).digest('hex');
  }

  /** Returns the checksum of what arrived of the current chunk, and continues. */
  checksum(): string {
    return (this.#hash?.copy() ?? chunkHash()).digest('hex');
  }

  /** Advances by bytes of the current chunk; returns the chunk when they complete it. */
  advance(bytes: Uint8Array): CompleteChunk | undefined {
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
