import type { ChunkGrid, ChunkRun } from './chunks.ts';

/** A place in a run of chunks. */
export class ChunkCursor {
  readonly #grid: ChunkGrid;
  readonly #end: number;
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

  /** Goes on by bytes of the present chunk; gives its number when they are its last. */
  advance(bytes: number): number | undefined {
    this.position += bytes;
    if (this.missingInChunk > 0) return undefined;
    this.chunk += 1;
    return this.chunk - 1;
  }
}
