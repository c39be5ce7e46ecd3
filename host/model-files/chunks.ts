import { createHash, type Hash, hash } from 'node:crypto';

/**
 * Returns a hash for the checksum of a chunk (SHA-256). It detects changes of a file after its download; the checksum
 * of the whole file verifies that it is the hub's file.
 */
export function chunkHash(): Hash {
  return createHash('sha256');
}

/** Returns the checksum of a whole chunk, in hex. */
export function chunkChecksum(bytes: Uint8Array): string {
  return hash('sha256', bytes);
}

/**
 * Maximum number of chunks per file: 5 TiB at 5 MiB each, ten times the hub's limit. It limits the memory that a wrong
 * size from a hub or index can use.
 */
export const MAX_CHUNKS = 2 ** 20;

/** The division of a file into chunks of equal size, except the last one. An empty file has no chunks. */
export class ChunkGrid {
  /** Size of the file, in bytes. */
  readonly size: number;
  /** Size of a chunk, in bytes. */
  readonly chunkBytes: number;
  readonly count: number;

  constructor(size: number, chunkBytes: number) {
    this.size = size;
    this.chunkBytes = chunkBytes;
    this.count = Math.ceil(size / chunkBytes);
  }

  startOf(chunk: number): number {
    return chunk * this.chunkBytes;
  }

  /** Returns the offset after the last byte of a chunk. */
  endOf(chunk: number): number {
    return Math.min((chunk + 1) * this.chunkBytes, this.size);
  }

  bytesOf(chunk: number): number {
    return this.endOf(chunk) - this.startOf(chunk);
  }
}

/** Adjacent chunks, from `first` up to but not including `end`. */
export interface ChunkRun {
  readonly first: number;
  readonly end: number;
}

/** Maximum number of chunks per request: 40 MiB at 5 MiB each, which makes the overhead of a request negligible. */
const MAX_RUN = 8;

/** The chunks that still have to be requested. Workers take runs of them, from the start of the file. */
export class ChunkQueue {
  readonly #missing: Set<number>;
  readonly #isPartial: (chunk: number) => boolean;
  /** Number of workers that take from the queue. */
  workers: number;

  /** @param isPartial Returns whether a chunk is partly on the disk. Such a chunk is always the first of a run. */
  constructor(missing: Iterable<number>, workers: number, isPartial: (chunk: number) => boolean = () => false) {
    this.#missing = new Set(missing);
    this.#isPartial = isPartial;
    this.workers = workers;
  }

  get size(): number {
    return this.#missing.size;
  }

  /** Returns chunks to the queue. */
  add(chunks: Iterable<number>): void {
    for (const chunk of chunks) this.#missing.add(chunk);
  }

  /**
   * Removes the next run and returns it; undefined if the queue is empty. Runs become shorter near the end, which makes
   * all workers finish at about the same time.
   */
  take(): ChunkRun | undefined {
    let first: number | undefined;
    for (const chunk of this.#missing) if (first === undefined || chunk < first) first = chunk;
    if (first === undefined) return undefined;
    const length = Math.min(MAX_RUN, Math.max(1, Math.ceil(this.#missing.size / (2 * this.workers))));
    let end = first;
    while (end - first < length && (end === first || !this.#isPartial(end)) && this.#missing.delete(end)) end += 1;
    return { first, end };
  }
}
