import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { SharedWork } from '../common/shared-work.ts';
import { sum } from '../common/sum.ts';
import { type FoundFile, isUnreadable, lookAt } from './disk.ts';
import type { FileHashCache } from './file-hash-cache.ts';
import { hashFile } from './hash-file.ts';

/** How far a check has come, bytes of all files. */
export interface CheckProgress {
  readonly checked: number;
  readonly total: number;
}

/** How a check is made. */
export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener<CheckProgress> | undefined;
}

/** Takes checksums of files, each only once for as long as it stays as it is, whoever asks. */
export class Checksums {
  readonly #book: FileHashCache;
  readonly #log: Logger;
  /** By path: what is being read just now. Two askers for one file of gigabytes must not read it twice. */
  readonly #reading = new Map<string, SharedWork<string | undefined, number>>();

  constructor(book: FileHashCache, log: Logger) {
    this.#book = book;
    this.#log = log;
  }

  /** The SHA-256 of files in order. Undefined when one of them cannot be read any more, or changed while it was. */
  async of(files: readonly FoundFile[], options: CheckOptions): Promise<string[] | undefined> {
    await this.#book.recall(files.map((file) => [file]));
    const total = sum(files.map(({ size }) => size));
    let before = 0;
    const sums: string[] = [];
    for (const file of files) {
      const onProgress = (read: number) => options.onProgress?.({ checked: before + read, total });
      const sum = this.#book.sha256(file) ?? (await this.#read(file).join({ signal: options.signal, onProgress }));
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
      const after = await lookAt(file.path);
      if (after?.size !== file.size || after.mtimeMs !== file.mtimeMs || after.inode !== file.inode) return undefined;
      await this.#book.setSha256(file, sum);
      return sum;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#log.warn('local.unreadable', { path: file.path, error });
      return undefined;
    }
  }
}
