import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { cacheError } from './cache-errors.ts';
import { isSystemError } from './errors.ts';

/** Returns the entries of a folder; an empty list if it does not exist or cannot be read, which must not end a scan. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG')) return [];
    throw cacheError(error, folder);
  }
}

/** Returns the names in a folder; an empty list if it does not exist or reading it fails with one of `codes`. */
export async function namesIn(folder: string, ...codes: readonly string[]): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', ...codes)) return [];
    throw error;
  }
}
