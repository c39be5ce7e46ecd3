import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeFile, renameFile } from './files-in-use.ts';

/** The permissions of files with a user's data: no other user can read them. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** What a file is to contain: its text or bytes, or a function that writes them. */
export type FileContents = string | Uint8Array | ((file: FileHandle) => Promise<void>);

/**
 * Writes a file through a temporary file beside it, so that readers, and a crash or a power failure at any moment,
 * leave either the old contents or the new ones. A link at `path` is replaced, not followed. The folder must exist.
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
    await renameFile(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await removeFile(temporary);
    throw error;
  }
}

/** Writes a value as a JSON file that only the user can read, and creates its folder. See {@link atomicWrite}. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
  await atomicWrite(path, `${JSON.stringify(value)}\n`);
}

/** Makes a rename or a new file in a folder survive a power failure. Windows does so by itself. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
