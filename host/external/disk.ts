import { open, stat } from 'node:fs/promises';
import { isSystemError } from '../common/errors.ts';

/** Maximum size of a manifest or settings file that is read, in bytes. Real ones have a few kilobytes. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** A file's path and the metadata that changes with its content. */
export interface FoundFile {
  /** Absolute path, with the name that the program gave the file. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
  /** The inode number, or file id on Windows. */
  readonly inode: number;
}

/** Returns a file's current metadata; undefined if it does not exist or cannot be read. */
export async function statFile(path: string): Promise<FoundFile | undefined> {
  const stats = await orUndefined(stat(path));
  return stats?.isFile() === true ? { path, size: stats.size, mtimeMs: stats.mtimeMs, inode: stats.ino } : undefined;
}

/** Reads a small text file. Returns undefined if it does not exist or is too large. */
export async function readSmallText(path: string): Promise<string | undefined> {
  // The type is checked before opening: opening a pipe would wait forever for a writer.
  const stats = await orUndefined(stat(path));
  if (stats?.isFile() !== true || stats.size > MAX_TEXT_BYTES) return undefined;
  const handle = await orUndefined(open(path, 'r'));
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(stats.size), 0, stats.size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

/** Returns the value of a promise, or undefined if it rejects with an error for which {@link isUnreadable} is true. */
export async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/**
 * Returns whether an error only means that another program's file cannot be used. True for all errors of the file
 * system, except when this process has run out of resources.
 */
export function isUnreadable(error: unknown): boolean {
  if (isSystemError(error, 'EMFILE', 'ENFILE', 'ENOMEM')) return false;
  return typeof error === 'object' && error !== null && 'syscall' in error;
}
