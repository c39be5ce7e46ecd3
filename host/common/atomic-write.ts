import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeFile, renameFile } from './files-in-use.ts';

/** The permissions of files with a user's data: no other user can read them. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** A temporary file that is this much older than a new one was left by a process that was killed, in milliseconds. */
const ABANDONED_MS = 60_000;

/** What a file is to contain: its text or bytes, or a function that writes them. */
export type FileContents = string | Uint8Array | ((file: FileHandle) => Promise<void>);

/**
 * Writes a file through a temporary file beside it, so that readers, and a crash or a power failure at any moment,
 * leave either the old contents or the new ones. A link at `path` is replaced, not followed. The folder must exist. A
 * temporary file that a killed process left is removed by a later write.
 *
 * @param mode Permissions of the file, whatever the umask of the process is. The temporary file never has more.
 * @throws the error of the file system; the temporary file is removed.
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
 * Removes the temporary files beside a file that were last written to before a time, Unix milliseconds. Without a time,
 * removes all: for a caller that prevents others from writing the file meanwhile.
 */
export async function removeTemporaries(path: string, before: number = Number.POSITIVE_INFINITY): Promise<void> {
  for (const temporary of await temporariesOf(path)) {
    const stats = await stat(temporary).catch(() => undefined);
    if (stats !== undefined && stats.mtimeMs < before) await removeFile(temporary);
  }
}

/** Returns the temporary files of {@link atomicWrite} beside a file. */
export async function temporariesOf(path: string): Promise<string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  const start = `${basename(path)}.`;
  return names
    .filter((name) => name.startsWith(start) && TEMPORARY.test(name.slice(start.length)))
    .map((name) => join(dirname(path), name));
}

/** The end of the name of a temporary file. */
const TEMPORARY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Writes a value as a JSON file that only the user can read, and creates its folder. See {@link atomicWrite}. */
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
