import { createHash, type Hash, hash } from 'node:crypto';

/**
 * Returns a hash for the checksum of a chunk: SHA-256, computed while the bytes arrive. It finds changes of a file since
 * it was downloaded; whether the file is what the hub announced, the checksum of the whole file decides.
 */
export function chunkHash(): Hash {
  return createHash('sha256');
}

/** Returns the checksum of a whole chunk, hex. */
export function chunkChecksum(bytes: Uint8Array): string {
  return hash('sha256', bytes);
}

/**
 * Most chunks of one file: 5 TiB at 5 MiB each, ten times what the hub takes. It bounds what a hub's or an index's
 * wrong number can cost in memory.
 */
export const MAX_CHUNKS = 2 ** 20;

/** How a file is divided into chunks: all of one size except the last. An empty file has none. */
export class ChunkGrid {
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes of a chunk. */
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

  /** The offset behind the last byte of the chunk. */
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

/** Most chunks of one request: 40 MiB at 5 MiB each, so that the request costs little compared with the data. */
const MAX_RUN = 8;

/** The chunks that are not downloaded and not being downloaded, handed out in runs from the start of the file. */
export class ChunkQueue {
  readonly #missing: Set<number>;
  readonly #isPartial: (chunk: number) => boolean;
  /** Number of workers that take from the queue. */
  workers: number;

  /** @param isPartial Whether some bytes of a chunk are on the disk: a run starts with such a chunk, or contains none. */
  constructor(missing: Iterable<number>, workers: number, isPartial: (chunk: number) => boolean = () => false) {
    this.#missing = new Set(missing);
    this.#isPartial = isPartial;
    this.workers = workers;
  }

  get size(): number {
    return this.#missing.size;
  }

  /** Puts chunks back. */
  add(chunks: Iterable<number>): void {
    for (const chunk of chunks) this.#missing.add(chunk);
  }

  /** Returns the next run, shorter near the end so that all workers finish together. Undefined when nothing is left. */
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
