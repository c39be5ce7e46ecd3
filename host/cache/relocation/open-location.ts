import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '../../common/errors.ts';
import { FileLock } from '../../common/file-lock.ts';
import type { Logger } from '../../common/log.ts';
import type { HostPaths } from '../../config.ts';
import { pause } from '../../hub/retry.ts';
import { MARKER, pathsIn, readJournal, readPlace } from './location.ts';
import { recoverMove } from './recover.ts';

/** How long a host waits for another that ends or takes back a move, milliseconds: that is renames and deletions. */
const WAIT_MS = 5_000;
const LOOK_MS = 50;

/** Where the cache lies, and the share of it that keeps it from being moved. */
export interface OpenedLocation<P> {
  readonly paths: P;
  /** Lets it be moved. */
  release(): void;
}

/** Held by each process that has the cache open, and alone by one that moves it. */
export function cacheLockPath({ locks }: Pick<HostPaths, 'locks'>): string {
  return join(locks, 'cache.lock');
}

/**
 * Finds out where the cache lies, ends or takes back a move that a dead host left, and keeps the cache from being moved.
 *
 * @throws HostError `CACHE_MOVING`; `CACHE_ERROR` where the disk it was moved to is not there.
 */
export async function openLocation<P extends HostPaths>(paths: P, log: Logger): Promise<OpenedLocation<P>> {
  await recoverDead(paths, log);
  const share = await shareOf(paths, log);
  try {
    const folder = await readPlace(paths);
    if (folder !== paths.home) await assertThere(folder);
    return { paths: pathsIn(paths, folder), release: () => share?.release() };
  } catch (error) {
    share?.release();
    throw error;
  }
}

/** Undefined on a disk that cannot be written to: there nothing is moved. */
async function shareOf(paths: HostPaths, log: Logger): Promise<FileLock | undefined> {
  for (let waited = 0; ; waited += LOOK_MS) {
    try {
      const share = FileLock.share(cacheLockPath(paths));
      if (share !== undefined) return share;
    } catch (error) {
      log.warn('cache.no-lock', { error });
      return undefined;
    }
    if (waited >= WAIT_MS) throw moving();
    await pause(LOOK_MS);
  }
}

async function recoverDead(paths: HostPaths, log: Logger): Promise<void> {
  for (let waited = 0; ; waited += LOOK_MS) {
    const journal = await readJournal(paths);
    if (journal === undefined) return;
    const alone = FileLock.try(cacheLockPath(paths));
    try {
      // Read again: another host may have ended it before this one had the lock.
      const still = alone === undefined ? undefined : await readJournal(paths);
      if (still !== undefined) await recoverMove(paths, still, log);
      if (alone !== undefined) return;
    } finally {
      alone?.release();
    }
    if (waited >= WAIT_MS) throw moving();
    await pause(LOOK_MS);
  }
}

async function assertThere(folder: string): Promise<void> {
  try {
    await access(join(folder, MARKER));
  } catch (error) {
    throw new HostError(
      'CACHE_ERROR',
      `The cache folder ${folder} is not available. Connect its disk, then try again.`,
      { details: { path: folder }, cause: error },
    );
  }
}

function moving(): HostError {
  return new HostError(
    'CACHE_MOVING',
    'The cache is being moved to another folder. Try again when the move has finished.',
  );
}
