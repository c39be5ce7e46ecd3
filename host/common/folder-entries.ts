import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { cacheError } from './cache-errors.ts';
import { isSystemError } from './errors.ts';

/** Returns the entries of a folder; none if it does not exist or cannot be read, so that a scan continues with other folders. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG')) return [];
    throw cacheError(error, folder);
  }
}

/** Returns the names in a folder; none if it does not exist, or cannot be read because of one of `codes`. */
export async function namesIn(folder: string, ...codes: readonly string[]): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', ...codes)) return [];
    throw error;
  }
}
