import { readFile } from 'node:fs/promises';
import { isSystemError } from '../common/errors.ts';

/** Reads a small text file of the operating system. Returns undefined if it does not exist or cannot be read. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** Errors of files under `/proc` and `/sys` that mean the information is not available. */
const NOT_AVAILABLE = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EINVAL', 'EIO', 'ENODEV', 'EOPNOTSUPP'];

/** Reads a file of this computer. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, ...NOT_AVAILABLE)) return undefined;
    throw error;
  }
}
