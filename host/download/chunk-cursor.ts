import type { Hash } from 'node:crypto';
import { type ChunkGrid, type ChunkRun, chunkHash } from '../model-files/chunks.ts';

/** A completely received chunk and its checksum. */
export interface CompleteChunk {
  readonly chunk: number;
  readonly sum: string;
}

/** A position in a run of chunks, and the checksum of the received bytes of the current chunk. */
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

  /** Number of bytes that are missing in the current chunk. */
  get missingInChunk(): number {
    return this.#grid.endOf(this.chunk) - this.position;
  }

  /** Number of received bytes of the current chunk. */
  get bytesInChunk(): number {
    return this.done ? 0 : this.position - this.#grid.startOf(this.chunk);
  }

  /** Returns the checksum of the received bytes of the current chunk. The cursor cannot be used afterwards. */
  finish(): string {
    return (this.#hash ?? chunkHash()).digest('hex');
  }

  /** Returns the checksum of the received bytes of the current chunk. The cursor can still be advanced. */
  checksum(): string {
    return (this.#hash?.copy() ?? chunkHash()).digest('hex');
  }

  /** Advances by bytes of the current chunk. Returns the chunk if they complete it. */
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
