import type { RemoteFile } from '../hub/types.ts';
import type { ChunkGrid } from '../model-files/chunks.ts';
import type { FileHasher } from './file-hasher.ts';
import type { HashThreadData } from './hash-thread.ts';
import type { ChunkState } from './stored-chunk.ts';

/** Number of chunks requested in advance: the thread hashes the next chunk while the answer is being delivered. */
const LOOKAHEAD = 2;

/** Returns the parameters of a hasher for a hub's checksum of a file with `size` bytes. */
export function hashingOf(
  { algorithm }: RemoteFile['checksum'],
  size: number,
): Pick<HashThreadData, 'algorithm' | 'prefix'> {
  if (algorithm === 'sha256') return { algorithm, prefix: '' };
  // Git's blob id is the SHA-1 of this header and the content. Source: git's "Git Objects" documentation.
  return { algorithm: 'sha1', prefix: `blob ${size}\0` };
}

/**
 * The checksum of the whole file, computed during the download: each chunk is hashed when all chunks before it are
 * complete. The file is therefore verified when its last chunk is complete, without a second pass.
 */
export class PrefixHash {
  readonly #grid: ChunkGrid;
  readonly #hasher: FileHasher;
  #next = 0;

  constructor(grid: ChunkGrid, hasher: FileHasher) {
    this.#grid = grid;
    this.#hasher = hasher;
  }

  /** The first chunk that has not been hashed yet. */
  get next(): number {
    return this.#next;
  }

  /**
   * Hashes the complete chunks that follow. Chunks of an earlier process are compared with their checksum in the index,
   * because they may have changed since; chunks of this download are trusted. Resolves with the number of the first
   * damaged chunk, or undefined. Throws the signal's reason when aborted; it can then be called again.
   */
  async advance(states: readonly ChunkState[], signal: AbortSignal): Promise<number | undefined> {
    const pending: Promise<boolean>[] = [];
    try {
      for (;;) {
        while (pending.length < LOOKAHEAD && !signal.aborted) {
          const next = this.#extend(this.#next + pending.length, states);
          if (next === undefined) break;
          pending.push(next);
        }
        const first = pending.shift();
        if (first === undefined) break;
        if (!(await first)) return this.#next;
        this.#next += 1;
      }
    } finally {
      // The thread does not hash chunks that follow one that was not hashed.
      await Promise.allSettled(pending);
    }
    signal.throwIfAborted();
    return undefined;
  }

  /** Requests the hashing of a chunk; undefined if the chunk is missing. */
  #extend(chunk: number, states: readonly ChunkState[]): Promise<boolean> | undefined {
    const state = states[chunk];
    if (state === undefined || state === 'missing') return undefined;
    const expected = state === 'stored' ? undefined : state.sum;
    return this.#hasher.extend(this.#grid.startOf(chunk), this.#grid.bytesOf(chunk), expected);
  }

  /** Returns the checksum, in hex. Call it when every chunk has been hashed. */
  digest(): Promise<string> {
    return this.#hasher.digest();
  }
}
