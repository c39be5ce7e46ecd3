import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '../../common/errors.ts';
import { FileLock } from '../../common/file-lock.ts';
import { namesIn } from '../../common/folder-entries.ts';
import type { Logger } from '../../common/log.ts';
import type { HostPaths } from '../../config.ts';
import { pause } from '../../hub/retry.ts';
import { MARKER, pathsAt, readJournal, readLocation } from './location.ts';
import { recoverMove } from './recover.ts';

/** How long a host waits until another one has finished or undone a move, in milliseconds: renames and deletions. */
const TIMEOUT_MS = 5_000;
const POLL_MS = 50;

/** The cache's location and a shared lock that prevents it from being moved. */
export interface OpenedLocation<P> {
  readonly paths: P;
  /** Releases the lock, which allows moving the cache. */
  release(): void;
}

/**
 * Returns the path of the cache lock. Processes with an open cache hold it in shared mode; a process that moves the
 * cache holds it exclusively.
 */
export function cacheLockPath({ locks }: Pick<HostPaths, 'locks'>): string {
  return join(locks, 'cache.lock');
}

/** Returns the processes that have the cache open. Removes files that killed processes left. */
export async function cacheUsers({ locks }: Pick<HostPaths, 'locks'>): Promise<number[]> {
  const pids = new Set<number>();
  for (const name of await namesIn(locks)) {
    const pid = USER_LOCK.exec(name)?.[1];
    if (pid !== undefined && FileLock.isHeld(join(locks, name))) pids.add(Number(pid));
  }
  return [...pids];
}

/** A lock that names a process with an open cache: the system does not say who holds the shared lock. */
const USER_LOCK = /^cache-(\d+)\.lock$/;

/**
 * Returns the cache's location and a lock that prevents moving it. First finishes or undoes an interrupted move.
 *
 * @throws HostError `CACHE_MOVING`; `CACHE_ERROR` if the disk it was moved to is not connected.
 */
export async function openLocation<P extends HostPaths>(paths: P, log: Logger): Promise<OpenedLocation<P>> {
  await recoverInterrupted(paths, log);
  const share = await acquireShare(paths, log);
  try {
    const folder = await readLocation(paths);
    if (folder !== paths.home) await assertAvailable(folder);
    return { paths: pathsAt(paths, folder), release: () => share?.release() };
  } catch (error) {
    share?.release();
    throw error;
  }
}

/**
 * Acquires the shared lock, and one that names this process. Returns undefined on a read-only disk, where nothing can be
 * moved.
 */
async function acquireShare(paths: HostPaths, log: Logger): Promise<Pick<FileLock, 'release'> | undefined> {
  for (let waited = 0; ; waited += POLL_MS) {
    try {
      await cacheUsers(paths);
      const share = FileLock.share(cacheLockPath(paths));
      if (share !== undefined) return withUserLock(share, paths);
    } catch (error) {
      log.warn('cache.lock-unavailable', { error });
      return undefined;
    }
    if (waited >= TIMEOUT_MS) throw cacheMoving();
    await pause(POLL_MS);
  }
}

/** Adds the lock that names this process to the shared lock. Several hosts of a process share both. */
function withUserLock(share: FileLock, { locks }: HostPaths): Pick<FileLock, 'release'> {
  try {
    const user = FileLock.share(join(locks, `cache-${process.pid}.lock`));
    return {
      release: () => {
        user?.release();
        share.release();
      },
    };
  } catch (error) {
    share.release();
    throw error;
  }
}

async function recoverInterrupted(paths: HostPaths, log: Logger): Promise<void> {
  for (let waited = 0; ; waited += POLL_MS) {
    const journal = await readJournal(paths);
    if (journal === undefined) return;
    const exclusive = FileLock.try(cacheLockPath(paths));
    try {
      // Read the journal again: another host may have completed the recovery before this one acquired the lock.
      const current = exclusive === undefined ? undefined : await readJournal(paths);
      if (current !== undefined) await recoverMove(paths, current, log);
      if (exclusive !== undefined) return;
    } finally {
      exclusive?.release();
    }
    if (waited >= TIMEOUT_MS) throw cacheMoving();
    await pause(POLL_MS);
  }
}

async function assertAvailable(folder: string): Promise<void> {
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

function cacheMoving(): HostError {
  return new HostError(
    'CACHE_MOVING',
    'The cache is being moved to another folder. Try again when the move has finished.',
  );
}
