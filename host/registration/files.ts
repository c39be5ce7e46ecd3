import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ancestors } from '../common/ancestors.ts';
import { isSystemError } from '../common/errors.ts';

/** Returns the SHA-256 of a file's contents in hex, with which the record identifies the contents. */
export function digest(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex');
}

/** A file, folder or link that exists at a path. */
export interface FoundFile {
  /** Absent for a link or anything else that is not a regular file. */
  readonly sha256?: string;
  /** Permission bits. */
  readonly mode: number;
}

/** Examines a path without following links; undefined if it does not exist. */
export async function lookAt(path: string): Promise<FoundFile | undefined> {
  try {
    const found = await lstat(path);
    const mode = found.mode & 0o7777;
    return found.isFile() ? { mode, sha256: digest(await readFile(path)) } : { mode };
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/**
 * Creates a folder and its parents. Returns those that did not exist, the topmost first.
 *
 * Creates one folder at a time, because the result of a recursive `mkdir` on Windows begins with `\\?\` and cannot be
 * compared with other paths.
 */
export async function makeFolder(path: string, mode: number): Promise<string[]> {
  const missing: string[] = [];
  for (const folder of ancestors(resolve(path))) {
    if (await exists(folder)) break;
    missing.unshift(folder);
  }
  const created: string[] = [];
  for (const folder of missing) {
    try {
      await mkdir(folder, { mode });
    } catch (error) {
      // Another process created the folder in the meantime, so it must not be removed later.
      if (isSystemError(error, 'EEXIST')) continue;
      throw error;
    }
    // The umask may have removed permissions that other users need.
    await chmod(folder, mode);
    created.push(folder);
  }
  return created;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

/** Removes a folder if it exists and is empty. */
export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'EBUSY')) throw error;
  }
}
