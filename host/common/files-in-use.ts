import { mkdtemp, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from './errors.ts';
import { fileInUse } from './host-errors.ts';

/**
 * Pauses before a file that another program has open is tried again, milliseconds: a virus scanner or an indexer, which
 * open every new file on Windows, are usually done within a second.
 */
const PAUSES_MS = [10, 20, 50, 100, 200, 300, 400];

/** Renames a file as `rename` does, and waits a moment for programs that have one of both open. */
export function renameFile(from: string, to: string): Promise<void> {
  return whenNotInUse([to, from], () => rename(from, to));
}

/** Removes a file, if it exists, and waits a moment for programs that have it open. */
export function removeFile(path: string): Promise<void> {
  return whenNotInUse([path], () => rm(path, { force: true }));
}

/**
 * Does `work` on files, again and again for a moment as long as it fails because another program has one of them open.
 *
 * @throws HostError `FILE_IN_USE` when that lasts; the error of the file system otherwise.
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

/** Windows reports some files in use as it reports those without permission. */
function mayBeInUse(error: unknown): boolean {
  return (
    isSystemError(error, 'EBUSY', 'ETXTBSY') ||
    (process.platform === 'win32' && isSystemError(error, 'EPERM', 'EACCES'))
  );
}

/** Says whether `error` came because a path is in use, and not for want of a permission, by what else the user may do. */
async function isInUse(path: string, error: unknown): Promise<boolean> {
  if (!mayBeInUse(error)) return false;
  try {
    // A folder is in use when a file in it is.
    if ((await stat(path)).isDirectory()) await rmdir(await mkdtemp(join(dirname(path), '.tabagent-')));
    else await (await open(path, 'r+')).close();
    return true;
  } catch (cause) {
    return isSystemError(cause, 'EBUSY', 'ETXTBSY');
  }
}
