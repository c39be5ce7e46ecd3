import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheError } from '../../common/cache-errors.ts';
import { removeFile, renameFile } from '../../common/files-in-use.ts';
import type { Logger } from '../../common/log.ts';
import { type HostPaths, relocationJournalFile } from '../../config.ts';
import { type Journal, MARKER, MOVED_FOLDERS, readLocation } from './location.ts';
import { removeCopied, removeEmpty } from './tree.ts';

/**
 * Recovers from an interrupted move: if the new location was already saved, removes the remaining files of the old one;
 * otherwise undoes the move. The caller must hold the cache lock exclusively.
 */
export async function recoverMove(paths: Pick<HostPaths, 'home'>, journal: Journal, log: Logger): Promise<void> {
  const { from, to, method } = journal;
  const isSwitched = (await readLocation(paths)) === to;
  log.warn('cache.move-recovered', { from, to, method, isSwitched });
  try {
    if (isSwitched) await removeSource(journal);
    else await undoMove(journal);
    await removeFile(relocationJournalFile(paths));
  } catch (error) {
    throw cacheError(error, to);
  }
}

/** Removes the files at the old location that were copied. */
export async function removeSource({ from, to }: Journal): Promise<void> {
  for (const folder of MOVED_FOLDERS) await removeCopied(join(from, folder), join(to, folder));
  await removeFile(join(from, MARKER));
}

async function undoMove({ from, to, method }: Journal): Promise<void> {
  for (const folder of MOVED_FOLDERS) {
    const [old, moved] = [join(from, folder), join(to, folder)];
    if (method === 'copy') {
      await removeCopied(moved, old);
    } else if (await exists(moved)) {
      await removeEmpty(old);
      if (!(await exists(old))) await renameFile(moved, old);
    }
  }
  await removeFile(join(to, MARKER));
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
