import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { cacheError } from './cache-errors.ts';
import { isSystemError } from './errors.ts';

/** What is in a folder; nothing where it is not there or may not be read: that must not cost the other folders. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG')) return [];
    throw cacheError(error, folder);
  }
}
