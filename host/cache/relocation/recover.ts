import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheError } from '../../common/cache-errors.ts';
import { removeFile, renameFile } from '../../common/files-in-use.ts';
import type { Logger } from '../../common/log.ts';
import { type HostPaths, relocationJournalFile } from '../../config.ts';
import { type Journal, MARKER, MOVED, readPlace } from './location.ts';
import { removeCopied, removeEmpty } from './tree.ts';

/**
 * Brings a move to an end that a host began and did not live to end: where the new place was noted already, what is left
 * in the old one goes; else everything is put back as it was. Nobody else may use the cache meanwhile.
 */
export async function recoverMove(paths: Pick<HostPaths, 'home'>, journal: Journal, log: Logger): Promise<void> {
  const { from, to, method } = journal;
  const isSwitched = (await readPlace(paths)) === to;
  log.warn('cache.move-recovered', { from, to, method, isSwitched });
  try {
    if (isSwitched) await removeOld(journal);
    else await putBack(journal);
    await removeFile(relocationJournalFile(paths));
  } catch (error) {
    throw cacheError(error, to);
  }
}

/** Removes what was copied from the old place. */
export async function removeOld({ from, to }: Journal): Promise<void> {
  for (const folder of MOVED) await removeCopied(join(from, folder), join(to, folder));
  await removeFile(join(from, MARKER));
}

async function putBack({ from, to, method }: Journal): Promise<void> {
  for (const folder of MOVED) {
    const [old, moved] = [join(from, folder), join(to, folder)];
    if (method === 'copy') {
      await removeCopied(moved, old);
    } else if (await isThere(moved)) {
      await removeEmpty(old);
      if (!(await isThere(old))) await renameFile(moved, old);
    }
  }
  await removeFile(join(to, MARKER));
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
