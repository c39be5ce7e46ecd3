import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { HostError } from '../common/errors.ts';
import { withTemporaryLock } from '../common/temporary-lock.ts';
import { makeFolder, removeIfEmpty } from './files.ts';

/** Time limit for acquiring the lock, in milliseconds. On Windows, an installation starts two programs per browser. */
const TIMEOUT_MS = 60_000;

/**
 * Runs work that reads and changes a registration, while no other process does so. Two installations at once would
 * otherwise lose one's entries in the record.
 *
 * Creates the folder of the record if needed, and removes it afterwards if it is empty.
 *
 * @param work Receives the folders that were created, the topmost first.
 * @throws HostError `REGISTRATION_FAILED` if another process holds the lock for too long; the error of the file system
 *   if the folder or the lock cannot be created; any error of the work.
 */
export async function withRegistrationLock<T>(
  recordFile: string,
  folderMode: number,
  work: (created: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = dirname(recordFile);
  const created = new Set<string>();
  let hasStarted = false;
  try {
    for (;;) {
      for (const path of await makeFolder(folder, folderMode)) created.add(path);
      try {
        const done = await withTemporaryLock(`${recordFile}.lock`, TIMEOUT_MS, () => {
          hasStarted = true;
          return work([...created]);
        });
        if (done !== undefined) return done.result;
        throw new HostError(
          'REGISTRATION_FAILED',
          'Another "tabagent install" or "tabagent uninstall" is running. Wait until it has ended, then try again.',
        );
      } catch (error) {
        // An uninstallation that ended in the meantime may have removed the folder.
        if (hasStarted || existsSync(folder)) throw error;
      }
    }
  } finally {
    for (const path of [...created].toReversed()) await removeIfEmpty(path);
  }
}
