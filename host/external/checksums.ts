import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { SharedWork } from '../common/shared-work.ts';
import { sum } from '../common/sum.ts';
import { type FoundFile, isUnreadable, statFile } from './disk.ts';
import type { FileHashCache } from './file-hash-cache.ts';
import { hashFile } from './hash-file.ts';

/** Progress of reading files, in bytes of all files. */
export interface ChecksumProgress {
  readonly checked: number;
  readonly total: number;
}

/** Options for {@link Checksums.compute}. */
export interface ChecksumOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener<ChecksumProgress> | undefined;
}

/** Computes checksums of files. Reads each file only once as long as it does not change. */
export class Checksums {
  readonly #cache: FileHashCache;
  readonly #log: Logger;
  /** Files being read, by path. Two callers must not read the same file of several gigabytes twice. */
  readonly #reading = new Map<string, SharedWork<string | undefined, number>>();

  constructor(cache: FileHashCache, log: Logger) {
    this.#cache = cache;
    this.#log = log;
  }

  /**
   * Returns the SHA-256 checksums of files, in order; undefined if one of them can no longer be read, or changed while
   * it was being read.
   */
  async compute(files: readonly FoundFile[], options: ChecksumOptions): Promise<string[] | undefined> {
    await this.#cache.load(files.map((file) => [file]));
    const total = sum(files.map(({ size }) => size));
    let before = 0;
    const sums: string[] = [];
    for (const file of files) {
      const onProgress = (read: number) => options.onProgress?.({ checked: before + read, total });
      const sum = this.#cache.sha256(file) ?? (await this.#read(file).join({ signal: options.signal, onProgress }));
      if (sum === undefined) return undefined;
      sums.push(sum);
      before += file.size;
    }
    return sums;
  }

  #read(file: FoundFile): SharedWork<string | undefined, number> {
    const present = this.#reading.get(file.path);
    if (present !== undefined && !present.isAborted) return present;
    const work = new SharedWork<string | undefined, number>((signal, onProgress) =>
      this.#hash(file, signal, onProgress),
    );
    this.#reading.set(file.path, work);
    void work.settled().then(() => {
      if (this.#reading.get(file.path) === work) this.#reading.delete(file.path);
    });
    return work;
  }

  async #hash(file: FoundFile, signal: AbortSignal, onProgress: ProgressListener<number>): Promise<string | undefined> {
    try {
      const sum = await hashFile(file.path, { signal, onProgress });
      const after = await statFile(file.path);
      if (after?.size !== file.size || after.mtimeMs !== file.mtimeMs || after.inode !== file.inode) return undefined;
      await this.#cache.setSha256(file, sum);
      return sum;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#log.warn('external.file-unreadable', { path: file.path, error });
      return undefined;
    }
  }
}
