import type { RemoteFile } from '../hub/types.ts';
import type { ChunkGrid } from '../model-files/chunks.ts';
import type { FileHasher } from './file-hasher.ts';
import type { HashThreadData } from './hash-thread.ts';
import type { ChunkState } from './stored-chunk.ts';

/** Chunks requested at once: while one answer is on its way, the thread works on the next. */
const AHEAD = 2;

/** Returns the parameters of a hasher for the checksum that a hub published for a file of `size` bytes. */
export function hashingOf(
  { algorithm }: RemoteFile['checksum'],
  size: number,
): Pick<HashThreadData, 'algorithm' | 'prefix'> {
  if (algorithm === 'sha256') return { algorithm, prefix: '' };
  // Git's blob id is the SHA-1 of this line and the content. Source: git's "Git Objects" documentation.
  return { algorithm: 'sha1', prefix: `blob ${size}\0` };
}

/**
 * The checksum of the whole file, computed while it arrives: each chunk as soon as all chunks before it are complete. The
 * file is verified when its last chunk is complete, without a second pass.
 */
export class PrefixHash {
  readonly #grid: ChunkGrid;
  readonly #hasher: FileHasher;
  #next = 0;

  constructor(grid: ChunkGrid, hasher: FileHasher) {
    this.#grid = grid;
    this.#hasher = hasher;
  }

  /** The first chunk that is not hashed yet. */
  get next(): number {
    return this.#next;
  }

  /**
   * Hashes all complete chunks that follow. What this download wrote is trusted; chunks of an earlier process are compared
   * with their checksum in the index, since their bytes may have changed meanwhile. Resolves with the number of the first
   * damaged chunk. Throws the signal's reason when aborted, and can be continued later.
   */
  async advance(states: readonly ChunkState[], signal: AbortSignal): Promise<number | undefined> {
    const pending: Promise<boolean>[] = [];
    try {
      for (;;) {
        while (pending.length < AHEAD && !signal.aborted) {
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
      // Chunks behind one that was not hashed are not hashed either.
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

  /** Returns the checksum, hex, once every chunk is hashed. */
  digest(): Promise<string> {
    return this.#hasher.digest();
  }
}
