import { mkdtemp, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from './errors.ts';
import { fileInUse } from './host-errors.ts';

/**
 * Pauses between attempts to use a file that another program has open, in milliseconds: virus scanners and indexers,
 * which open every new file on Windows, usually close it within a second.
 */
const PAUSES_MS = [10, 20, 50, 100, 200, 300, 400];

/** Renames a file like `rename`. Waits briefly if another program has either file open. */
export function renameFile(from: string, to: string): Promise<void> {
  return whenNotInUse([to, from], () => rename(from, to));
}

/** Removes a file, if it exists. Waits briefly if another program has it open. */
export function removeFile(path: string): Promise<void> {
  return whenNotInUse([path], () => rm(path, { force: true }));
}

/**
 * Runs `work` on files, and retries it for a short time while it fails because another program has one of them open.
 *
 * @throws HostError `FILE_IN_USE` if the file stays open; otherwise the error of the file system.
 */
async function whenNotInUse(paths: readonly string[], work: () => Promise<void>): Promise<void> {
  for (const pause of PAUSES_MS) {
    try {
      return await work();
    } catch (error) {
      if (!mayBeInUse(error)) throw error;
      await delay(pause);
    }
  }
  try {
    await work();
  } catch (error) {
    for (const path of paths) if (await isInUse(path, error)) throw fileInUse(path, error);
    throw error;
  }
}

/** Returns whether an error may mean that a file is in use. For some of these, Windows reports missing permissions. */
function mayBeInUse(error: unknown): boolean {
  return (
    isSystemError(error, 'EBUSY', 'ETXTBSY') ||
    (process.platform === 'win32' && isSystemError(error, 'EPERM', 'EACCES'))
  );
}

/** Returns whether `error` means that a path is in use, rather than that the user has no permission for it. */
async function isInUse(path: string, error: unknown): Promise<boolean> {
  if (!mayBeInUse(error)) return false;
  try {
    // A folder is in use if a file in it is.
    if ((await stat(path)).isDirectory()) await rmdir(await mkdtemp(join(dirname(path), '.tabagent-')));
    else await (await open(path, 'r+')).close();
    return true;
  } catch (cause) {
    return isSystemError(cause, 'EBUSY', 'ETXTBSY');
  }
}
