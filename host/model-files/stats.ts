import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { cacheError } from '../common/cache-errors.ts';
import { isSystemError } from '../common/errors.ts';

/**
 * The unit of `stat`'s block count, in bytes, independent of the file system's block size. Source: POSIX, sys/stat.h.
 */
export const STAT_BLOCK_BYTES = 512;

/**
 * Returns the disk space allocated for a file, in bytes. On Windows, which does not report it for sparse files, returns
 * the full size.
 */
export function allocatedBytes({ size, blocks }: Pick<Stats, 'size' | 'blocks'>): number {
  return process.platform === 'win32' ? size : blocks * STAT_BLOCK_BYTES;
}

/** Returns the stats of a path without following links; undefined if it does not exist. */
export async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    // The file may have been removed since it was listed.
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw cacheError(error, path);
  }
}
