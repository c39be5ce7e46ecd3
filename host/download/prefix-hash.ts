import type { RemoteFile } from '../hub/types.ts';
import type { ChunkGrid } from './chunks.ts';
import type { FileHasher } from './file-hasher.ts';
import type { HashThreadData } from './hash-thread.ts';
import type { ChunkState } from './stored-chunk.ts';

/** Chunks asked for at once: while the answer to one is on its way, the thread has another. */
const AHEAD = 2;

/** What a hasher needs to know of the checksum a hub announced for a file of `size` bytes. */
export function hashingOf(
  { algorithm }: RemoteFile['checksum'],
  size: number,
): Pick<HashThreadData, 'algorithm' | 'prefix'> {
  if (algorithm === 'sha256') return { algorithm, prefix: '' };
  // Git's blob id is the SHA-1 of this line and the content. Source: git's "Git Objects" documentation.
  return { algorithm: 'sha1', prefix: `blob ${size}\0` };
}

/**
 * The checksum of the whole file, taken while it comes: each chunk as soon as all before it are there. So the file is
 * verified when its last chunk is in, with no second pass.
 */
export class PrefixHash {
  readonly #grid: ChunkGrid;
  readonly #hasher: FileHasher;
  #next = 0;

  constructor(grid: ChunkGrid, hasher: FileHasher) {
    this.#grid = grid;
    this.#hasher = hasher;
  }

  /** The first chunk that has not been taken in. */
  get next(): number {
    return this.#next;
  }

  /**
   * Takes in all chunks that follow. What this download wrote is believed; what an earlier process left is compared with
   * what the index says of it: bytes may have changed while nobody looked. Resolves with the number of a chunk that is
   * not what it should be; throws the signal's reason when aborted, and can go on later.
   */
  async advance(states: readonly ChunkState[], signal: AbortSignal): Promise<number | undefined> {
    const asked: Promise<boolean>[] = [];
    try {
      for (;;) {
        while (asked.length < AHEAD && !signal.aborted) {
          const next = this.#extend(this.#next + asked.length, states);
          if (next === undefined) break;
          asked.push(next);
        }
        const first = asked.shift();
        if (first === undefined) break;
        if (!(await first)) return this.#next;
        this.#next += 1;
      }
    } finally {
      // Behind one that was not taken in, none is.
      await Promise.allSettled(asked);
    }
    signal.throwIfAborted();
    return undefined;
  }

  /** Asks for a chunk to be taken in; undefined where it is not there. */
  #extend(chunk: number, states: readonly ChunkState[]): Promise<boolean> | undefined {
    const state = states[chunk];
    if (state === undefined || state === 'missing') return undefined;
    const expected = state === 'stored' ? undefined : state.sum;
    return this.#hasher.extend(this.#grid.startOf(chunk), this.#grid.bytesOf(chunk), expected);
  }

  /** The checksum, hex; once every chunk has been taken in. */
  digest(): Promise<string> {
    return this.#hasher.digest();
  }
}
