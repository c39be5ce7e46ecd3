import { readFile } from 'node:fs/promises';
import { isSystemError } from '../common/errors.ts';

/** Reads a small text file of the operating system's; undefined where there is none or it may not be read. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** Errors of files under `/proc` and `/sys` that say no more than "this machine does not tell". */
const NOT_TOLD = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EINVAL', 'EIO', 'ENODEV', 'EOPNOTSUPP'];

/** The real one. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, ...NOT_TOLD)) return undefined;
    throw error;
  }
}
