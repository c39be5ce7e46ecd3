import { constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rmdir, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError } from '../../common/errors.ts';
import { removeFile, renameFile } from '../../common/files-in-use.ts';
import { allocatedBytes } from '../../model-files/stats.ts';

/** A file in a folder tree. */
export interface TreeFile {
  /** Relative to the tree's root. */
  readonly path: string;
  readonly size: number;
  /** Bytes allocated on the disk: fewer than `size` for a sparse file. */
  readonly allocated: number;
}

/** Size of the copy buffer, in bytes. */
const COPY_BUFFER_BYTES = 1024 * 1024;
/** Suffix of a file while it is being copied. */
const UNFINISHED_SUFFIX = '.moving';

/** Returns the regular files below a folder, without links and special files, which do not belong to the cache. */
export async function listFiles(root: string, prefix = ''): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  const entries = await readFolder(join(root, prefix));
  for (const entry of entries) {
    const path = join(prefix, entry.name);
    if (entry.isDirectory()) files.push(...(await listFiles(root, path)));
    if (!entry.isFile()) continue;
    const stats = await lstat(join(root, path));
    files.push({ path, size: stats.size, allocated: allocatedBytes(stats) });
  }
  return files;
}

/**
 * Copies a file to a temporary name, preserving holes, syncs it, and renames it. Throws the file system's error or the
 * signal's reason; the partial copy keeps its temporary name.
 */
export async function copyFile(
  from: string,
  to: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const unfinished = to + UNFINISHED_SUFFIX;
  const source = await open(from, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  let target: FileHandle | undefined;
  try {
    target = await open(unfinished, 'w', 0o600);
    const { size, mtime } = await source.stat();
    const buffer = Buffer.allocUnsafe(COPY_BUFFER_BYTES);
    const zeros = Buffer.alloc(COPY_BUFFER_BYTES);
    for (let at = 0; ; ) {
      signal.throwIfAborted();
      const { bytesRead } = await source.read(buffer, 0, COPY_BUFFER_BYTES, at);
      if (bytesRead === 0) break;
      const isHole = buffer.subarray(0, bytesRead).equals(zeros.subarray(0, bytesRead));
      for (let done = 0; !isHole && done < bytesRead; ) {
        done += (await target.write(buffer, done, bytesRead - done, at + done)).bytesWritten;
      }
      at += bytesRead;
      onBytes(bytesRead);
    }
    await target.truncate(size);
    await target.sync();
    await target.close();
    target = undefined;
    await renameFile(unfinished, to);
    // The modification time is used as a model's last use if none is recorded.
    await utimes(to, mtime, mtime);
  } finally {
    await target?.close();
    await source.close();
  }
}

/**
 * Removes the files of a tree that have complete copies in another tree, partial copies, and folders that become empty.
 */
export async function removeCopied(root: string, copies: string): Promise<void> {
  for (const { path, size } of await listFiles(root)) {
    if (path.endsWith(UNFINISHED_SUFFIX)) {
      await removeFile(join(root, path));
      continue;
    }
    const copy = await lstat(join(copies, path)).catch(() => undefined);
    if (copy?.isFile() && copy.size === size) await removeFile(join(root, path));
  }
  await removeEmpty(root);
}

/** Returns the entries of a folder; none if it does not exist or is a link. */
async function readFolder(folder: string): Promise<Dirent[]> {
  try {
    return (await lstat(folder)).isDirectory() ? await readdir(folder, { withFileTypes: true }) : [];
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** Removes every empty folder of a tree, including the root. */
export async function removeEmpty(root: string): Promise<void> {
  const entries = await readFolder(root).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeEmpty(join(root, entry.name));
  // The folder is not empty or no longer exists.
  await rmdir(root).catch(() => {});
}
