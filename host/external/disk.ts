import { open, stat } from 'node:fs/promises';
import { isSystemError } from '../common/errors.ts';

/** Bytes of a manifest or settings file that are read. Real ones have some kilobytes. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** A file as the disk describes it: what changes when its content does. */
export interface FoundFile {
  /** Absolute, under the name the program gave it. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
  /** The file's number on its volume. */
  readonly inode: number;
}

/** A file as the disk has it now; undefined where there is none that could be read. */
export async function lookAt(path: string): Promise<FoundFile | undefined> {
  const stats = await orNothing(stat(path));
  return stats?.isFile() === true ? { path, size: stats.size, mtimeMs: stats.mtimeMs, inode: stats.ino } : undefined;
}

/** Reads a text file that is not expected to be large. Undefined where there is none, or a larger one. */
export async function readSmallText(path: string): Promise<string | undefined> {
  // Asked before it is opened: to open a pipe would wait for its writer for ever.
  const stats = await orNothing(stat(path));
  if (stats?.isFile() !== true || stats.size > MAX_TEXT_BYTES) return undefined;
  const handle = await orNothing(open(path, 'r'));
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

/** What the promise brings, or undefined where the system says that it cannot be had. */
export async function orNothing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/**
 * Says whether a fault means no more than that a file of somebody else's cannot be used: whatever a disk or a network
 * says, but not that this process has run out of something.
 */
export function isUnreadable(error: unknown): boolean {
  if (isSystemError(error, 'EMFILE', 'ENFILE', 'ENOMEM')) return false;
  return typeof error === 'object' && error !== null && 'syscall' in error;
}
