import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeFile, renameFile } from './files-in-use.ts';

/** Permissions of files and folders with a user's data: other users cannot read them. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** Age from which a temporary file is considered left over from a killed process, in milliseconds. */
const ABANDONED_MS = 60_000;

/** The contents of a file: text, bytes, or a function that writes them. */
export type FileContents = string | Uint8Array | ((file: FileHandle) => Promise<void>);

/**
 * Writes a file through a temporary file beside it, so that readers, and a crash or a power failure at any moment,
 * leave either the old contents or the new ones. A link at `path` is replaced, not followed. The folder must exist. A
 * temporary file that a killed process left is removed by a later write.
 *
 * @param mode Permissions of the file, regardless of the umask. The temporary file never has more permissions.
 * @throws the error of the file system, after removing the temporary file.
 */
export async function atomicWrite(path: string, contents: FileContents, mode: number = PRIVATE_FILE): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      if (typeof contents === 'function') await contents(file);
      else await file.writeFile(contents);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    const { mtimeMs } = await stat(temporary);
    await renameFile(temporary, path);
    await syncFolder(dirname(path));
    await removeTemporaries(path, mtimeMs - ABANDONED_MS);
  } catch (error) {
    await removeFile(temporary);
    throw error;
  }
}

/**
 * Removes the temporary files of a file that were last written before a time, in Unix milliseconds. Without a time,
 * removes all of them; the caller must then prevent others from writing the file.
 */
export async function removeTemporaries(path: string, before: number = Number.POSITIVE_INFINITY): Promise<void> {
  for (const temporary of await temporariesOf(path)) {
    const stats = await stat(temporary).catch(() => undefined);
    if (stats !== undefined && stats.mtimeMs < before) await removeFile(temporary);
  }
}

/** Returns the temporary files that {@link atomicWrite} created for a file. */
export async function temporariesOf(path: string): Promise<string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  const start = `${basename(path)}.`;
  return names
    .filter((name) => name.startsWith(start) && TEMPORARY.test(name.slice(start.length)))
    .map((name) => join(dirname(path), name));
}

/** Suffix of the name of a temporary file. */
const TEMPORARY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Writes a JSON file that only the user can read, and creates its folder if needed. See {@link atomicWrite}. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
  await atomicWrite(path, `${JSON.stringify(value)}\n`);
}

/** Makes a rename or a new file in a folder survive a power failure. On Windows that needs no call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
