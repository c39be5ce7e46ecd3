import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ancestors } from '../common/ancestors.ts';
import { isSystemError } from '../common/errors.ts';

/** SHA-256 of a text, hexadecimal: what the record remembers a file by. */
export function digest(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex');
}

/** What lies at a path. */
export interface FoundFile {
  /** Absent for a link or anything else that is no plain file. */
  readonly sha256?: string;
  /** Permission bits. */
  readonly mode: number;
}

/** Looks at a path without following a link. Undefined when nothing is there. */
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
 * Makes a folder and those above it. Returns the ones that were not there, the topmost first.
 *
 * One folder at a time, since the result of a recursive `mkdir` cannot be compared with a path of ours: on Windows it
 * begins with `\\?\`.
 */
export async function makeFolder(path: string, mode: number): Promise<string[]> {
  const missing: string[] = [];
  for (const folder of ancestors(resolve(path))) {
    if (await isThere(folder)) break;
    missing.unshift(folder);
  }
  const made: string[] = [];
  for (const folder of missing) {
    try {
      await mkdir(folder, { mode });
    } catch (error) {
      // Another process made it meanwhile, so it is not ours to remove.
      if (isSystemError(error, 'EEXIST')) continue;
      throw error;
    }
    // The umask may have taken bits that other users need.
    await chmod(folder, mode);
    made.push(folder);
  }
  return made;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
