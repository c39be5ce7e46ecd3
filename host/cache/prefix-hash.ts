import { createHash, type Hash } from 'node:crypto';
import type { RemoteFile } from '../hub/types.ts';
import type { ChunkGrid } from './chunks.ts';
import type { PartialFile } from './partial-file.ts';
import { type ChunkState, StoredChunks } from './stored-chunk.ts';

/**
 * The checksum of the whole file, taken while it comes: each chunk is read back, from the system's page cache, as soon
 * as all before it are there. So the file is verified when its last chunk is in, with no second pass.
 */
export class PrefixHash {
  readonly #chunks: StoredChunks;
  readonly #hash: Hash;
  #next = 0;

  constructor(grid: ChunkGrid, file: PartialFile, { algorithm }: RemoteFile['checksum']) {
    this.#chunks = new StoredChunks(grid, file);
    this.#hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
    // Git's blob id is the SHA-1 of this line and the content. Source: git's "Git Objects" documentation.
    if (algorithm === 'git-sha1') this.#hash.update(`blob ${grid.size}\0`);
  }

  /** The first chunk that has not been taken in. */
  get next(): number {
    return this.#next;
  }

  /**
   * Takes in all chunks that follow. Resolves with the number of one that is not what the index says it is; throws the
   * signal's reason when aborted, and can go on later.
   */
  async advance(states: readonly ChunkState[], signal: AbortSignal): Promise<number | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const state = states[this.#next];
      if (state === undefined || state === 'missing') return undefined;
      const bytes = await this.#chunks.read(this.#next, state);
      if (bytes === undefined) return this.#next;
      this.#hash.update(bytes);
      this.#next += 1;
    }
  }

  /** The checksum, hex; once every chunk has been taken in. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
