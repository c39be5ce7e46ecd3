import { createHash, type Hash } from 'node:crypto';
import type { RemoteFile } from '../hub/types.ts';
import type { ChunkGrid } from './chunks.ts';
import type { PartialFile } from './partial-file.ts';

/** Where a chunk stands: not there, there by this download, or there by the word of the index of an earlier one. */
export type ChunkState = 'missing' | 'stored' | { readonly sha256: string };

/**
 * The checksum of the whole file, taken while it comes: each chunk is read back, from the system's page cache, as soon
 * as all before it are there. So the file is verified when its last chunk is in, with no second pass.
 */
export class PrefixHash {
  readonly #grid: ChunkGrid;
  readonly #file: PartialFile;
  readonly #hash: Hash;
  readonly #buffer: Buffer;
  #next = 0;

  constructor(grid: ChunkGrid, file: PartialFile, { algorithm }: RemoteFile['checksum']) {
    this.#grid = grid;
    this.#file = file;
    this.#hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
    // Git's blob id is the SHA-1 of this line and the content. Source: git's "Git Objects" documentation.
    if (algorithm === 'git-sha1') this.#hash.update(`blob ${grid.size}\0`);
    this.#buffer = Buffer.allocUnsafe(Math.min(grid.chunkBytes, grid.size));
  }

  /** The first chunk that has not been taken in. */
  get next(): number {
    return this.#next;
  }

  /**
   * Takes in all chunks that follow. A chunk that an earlier process left is first compared with what the index says of
   * it: bytes may have changed while nobody looked. Resolves with the number of one that is not what it should be.
   */
  async advance(states: readonly ChunkState[]): Promise<number | undefined> {
    for (;;) {
      const state = states[this.#next];
      if (state === undefined || state === 'missing') return undefined;
      const bytes = await this.#read(this.#next);
      if (bytes === undefined) return this.#next;
      if (state !== 'stored' && createHash('sha256').update(bytes).digest('hex') !== state.sha256) return this.#next;
      this.#hash.update(bytes);
      this.#next += 1;
    }
  }

  /** The checksum, hex; once every chunk has been taken in. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  async #read(chunk: number): Promise<Buffer | undefined> {
    const length = this.#grid.bytesOf(chunk);
    const bytes = await this.#file.read(this.#buffer, this.#grid.startOf(chunk), length);
    return bytes.length === length ? bytes : undefined;
  }
}
