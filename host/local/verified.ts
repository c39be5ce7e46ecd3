import { isSystemError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ProgressListener } from '../progress.ts';
import type { FoundFile } from './bounded-folder.ts';
import type { FileBook } from './file-book.ts';
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

/**
 * The SHA-256 of files in order, read from the disk where it is not remembered. Undefined when one of them cannot be
 * read any more, or changed while it was.
 */
export async function checksums(
  files: readonly FoundFile[],
  tools: {
    readonly book: FileBook;
    readonly log: Logger;
    readonly look: (file: FoundFile) => Promise<FoundFile | undefined>;
  },
  options: CheckOptions,
): Promise<string[] | undefined> {
  const { book, log, look } = tools;
  await book.recall(files.map((file) => [file]));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let checked = 0;
  const sums: string[] = [];
  for (const file of files) {
    const known = book.sha256(file);
    if (known !== undefined) {
      checked += file.size;
      sums.push(known);
      continue;
    }
    try {
      const sum = await hashFile(file.path, {
        signal: options.signal,
        onBytes: (bytes) => {
          checked += bytes;
          options.onProgress?.({ checked, total });
        },
      });
      const after = await look(file);
      if (after?.size !== file.size || after.mtimeMs !== file.mtimeMs || after.inode !== file.inode) return undefined;
      await book.setSha256(file, sum);
      sums.push(sum);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'EACCES', 'EPERM', 'EIO', 'ESTALE', 'EISDIR')) throw error;
      log.warn('local.unreadable', { path: file.path, error });
      return undefined;
    }
  }
  return sums;
}
