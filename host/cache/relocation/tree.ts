import { constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rmdir, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError } from '../../common/errors.ts';
import { removeFile, renameFile } from '../../common/files-in-use.ts';

/** A file of a tree. */
export interface TreeFile {
  /** Relative to the tree's root. */
  readonly path: string;
  readonly size: number;
  /** Bytes it takes on the disk: of a sparse file fewer than its size. */
  readonly allocated: number;
}

/** The unit of `stat`'s block count. Source: POSIX, sys/stat.h. */
const STAT_BLOCK_BYTES = 512;
/** Bytes copied at a time. */
const PIECE_BYTES = 1024 * 1024;
/** What a file is called while it is copied. */
const UNFINISHED = '.moving';

/** The regular files below a folder. Links and other things are not the cache's, and stay where they are. */
export async function filesBelow(root: string, prefix = ''): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  const entries = await realEntries(join(root, prefix));
  for (const entry of entries) {
    const path = join(prefix, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(root, path)));
    if (!entry.isFile()) continue;
    const { size, blocks } = await lstat(join(root, path));
    files.push({ path, size, allocated: process.platform === 'win32' ? size : blocks * STAT_BLOCK_BYTES });
  }
  return files;
}

/**
 * Copies a file, holes as holes, onto the disk before it gets its name. Rejects as the file system does, or with the
 * signal's reason; what was begun stays under a name of its own.
 */
export async function copyFile(
  from: string,
  to: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const unfinished = to + UNFINISHED;
  const source = await open(from, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  let target: FileHandle | undefined;
  try {
    target = await open(unfinished, 'w', 0o600);
    const { size, mtime } = await source.stat();
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const zeros = Buffer.alloc(PIECE_BYTES);
    for (let at = 0; ; ) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(piece, 0, PIECE_BYTES, at);
      if (bytesRead === 0) break;
      const isHole = piece.subarray(0, bytesRead).equals(zeros.subarray(0, bytesRead));
      for (let done = 0; !isHole && done < bytesRead; ) {
        done += (await target.write(piece, done, bytesRead - done, at + done)).bytesWritten;
      }
      at += bytesRead;
      onBytes(bytesRead);
    }
    await target.truncate(size);
    await target.sync();
    await target.close();
    target = undefined;
    await renameFile(unfinished, to);
    // When a model was used last is told by this where nothing else is known.
    await utimes(to, mtime, mtime);
  } finally {
    await target?.close();
    await source.close();
  }
}

/** Removes the files of a tree that are whole in another, what was begun of them, and the folders that are empty then. */
export async function removeCopied(root: string, copies: string): Promise<void> {
  for (const { path, size } of await filesBelow(root)) {
    if (path.endsWith(UNFINISHED)) {
      await removeFile(join(root, path));
      continue;
    }
    const copy = await lstat(join(copies, path)).catch(() => undefined);
    if (copy?.isFile() && copy.size === size) await removeFile(join(root, path));
  }
  await removeEmpty(root);
}

/** What is in a folder; nothing where there is none, or a link in its place. */
async function realEntries(folder: string): Promise<Dirent[]> {
  try {
    return (await lstat(folder)).isDirectory() ? await readdir(folder, { withFileTypes: true }) : [];
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** Removes every empty folder of a tree, the root included. */
export async function removeEmpty(root: string): Promise<void> {
  const entries = await realEntries(root).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeEmpty(join(root, entry.name));
  // Not empty, or gone.
  await rmdir(root).catch(() => {});
}
