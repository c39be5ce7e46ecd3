import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { writeJson } from '../../common/atomic-write.ts';
import { cacheError } from '../../common/cache-errors.ts';
import { assertSpace } from '../../common/disk-space.ts';
import { HostError } from '../../common/errors.ts';
import { FileLock } from '../../common/file-lock.ts';
import { removeFile, renameFile } from '../../common/files-in-use.ts';
import type { Logger } from '../../common/log.ts';
import type { ProgressListener } from '../../common/progress.ts';
import { sum } from '../../common/sum.ts';
import { cacheLocationFile, type HostPaths, relocationJournalFile } from '../../config.ts';
import { CacheLayout } from '../layout.ts';
import { followedLinks } from '../model-folder.ts';
import { type Journal, MARKER, MOVED, pathsIn, readJournal, readPlace } from './location.ts';
import { cacheLockPath } from './open-location.ts';
import { recoverMove, removeOld } from './recover.ts';
import { copyFile, filesBelow, removeEmpty } from './tree.ts';

/** How far a move has come; bytes. */
export interface RelocationProgress {
  readonly moved: number;
  readonly total: number;
}

/** What a move came to. */
export interface RelocationResult {
  readonly from: string;
  readonly to: string;
  readonly files: number;
  readonly bytes: number;
}

/** How a cache is moved. */
export interface RelocationOptions {
  readonly paths: HostPaths;
  /** Absolute. The home folder moves it back. */
  readonly to: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener<RelocationProgress>;
  readonly log: Logger;
  /** Default: by renaming where both places are on one disk. */
  readonly method?: Journal['method'];
}

/**
 * Moves models and unfinished downloads to another folder or disk. Whatever ends the process in the middle, each model is
 * whole in one place: copies are made first, then the new place is noted in one step, then the old files go; the next
 * start of a host takes a move back that was not noted, and ends one that was.
 *
 * @throws HostError `INVALID_REQUEST` for a folder that cannot be it, `CACHE_ERROR` where a folder of the cache is a link
 * (nothing is moved through one), `CACHE_MOVING` while other hosts use the cache,
 * `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`; the signal's reason when aborted, everything being as it was then.
 */
export async function relocateCache(options: RelocationOptions): Promise<RelocationResult> {
  const { paths, log } = options;
  const lock = FileLock.try(cacheLockPath(paths));
  if (lock === undefined) throw inUse();
  try {
    const dead = await readJournal(paths);
    if (dead !== undefined) await recoverMove(paths, dead, log);
    const from = await readPlace(paths);
    const [link] = await followedLinks(new CacheLayout(pathsIn(paths, from)));
    if (link !== undefined) throw linked(link);
    const to = await checkedTarget(options.to, from);
    const files = (await Promise.all(MOVED.map((folder) => filesBelow(join(from, folder))))).flat();
    const method = options.method ?? ((await deviceOf(from)) === (await deviceOf(to)) ? 'rename' : 'copy');
    if (method === 'copy') await assertSpace(to, sum(files.map(({ allocated }) => allocated)));
    const journal: Journal = { from, to, method };
    await writeJson(relocationJournalFile(paths), journal);
    try {
      await bring(journal, options, sum(files.map(({ size }) => size)));
      await writeJson(join(to, MARKER), { cacheOf: paths.home });
      if (to === paths.home) await removeFile(cacheLocationFile(paths));
      else await writeJson(cacheLocationFile(paths), { folder: to });
    } catch (error) {
      await recoverMove(paths, journal, log);
      throw error;
    }
    await removeOld(journal);
    await removeFile(relocationJournalFile(paths));
    log.info('cache.moved', { from, to, method });
    return { from, to, files: files.length, bytes: sum(files.map(({ size }) => size)) };
  } catch (error) {
    options.signal.throwIfAborted();
    throw cacheError(error, options.to);
  } finally {
    lock.release();
  }
}

/** Renames the folders, or copies what is in them. */
async function bring({ from, to, method }: Journal, options: RelocationOptions, total: number): Promise<void> {
  let moved = 0;
  for (const folder of MOVED) {
    const [old, target] = [join(from, folder), join(to, folder)];
    options.signal.throwIfAborted();
    options.onProgress({ moved, total });
    if (method === 'rename') {
      if (await isThere(old)) await renameFile(old, target);
      continue;
    }
    for (const { path } of await filesBelow(old)) {
      await copyFile(join(old, path), join(target, path), {
        signal: options.signal,
        onBytes: (bytes) => {
          moved += bytes;
          options.onProgress({ moved, total });
        },
      });
    }
  }
  options.onProgress({ moved: total, total });
}

/** The folder to move to, made where it is not there; nothing of a cache may lie in it. */
async function checkedTarget(asked: string, from: string): Promise<string> {
  if (!isAbsolute(asked) || asked.includes('\0')) throw unfit(asked, 'an absolute path');
  await mkdir(resolve(asked), { recursive: true, mode: 0o700 });
  const to = await realpath(asked);
  const old = await realpath(from);
  if (to === old) throw unfit(asked, 'a folder other than the current cache folder');
  for (const folder of MOVED) {
    if (isWithin(to, join(old, folder))) throw unfit(asked, 'a folder outside the cache');
    if (isWithin(old, join(to, folder))) throw unfit(asked, 'a folder that does not contain the cache');
    // Folders an earlier move left empty are no obstacle.
    await removeEmpty(join(to, folder));
    if (await isThere(join(to, folder))) throw unfit(asked, `a folder that does not already contain "${folder}"`);
  }
  return to;
}

function isWithin(path: string, folder: string): boolean {
  const rest = relative(folder, path);
  return !rest.startsWith('..') && !isAbsolute(rest);
}

async function deviceOf(path: string): Promise<number> {
  return (await stat(path)).dev;
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

function unfit(folder: string, expected: string): HostError {
  return new HostError('INVALID_REQUEST', `Expected \`folder\` to be ${expected}, got ${JSON.stringify(folder)}.`, {
    details: { field: 'folder', expected, found: folder },
  });
}

function linked(path: string): HostError {
  return new HostError(
    'CACHE_ERROR',
    `${path} is a link, and nothing is moved through a link. Move what it leads to yourself and change the link, or remove the link first.`,
    { details: { path } },
  );
}

function inUse(): HostError {
  return new HostError(
    'CACHE_MOVING',
    'The cache cannot be moved while other host processes are using it. Close every browser that uses TabAgent, then try again.',
  );
}
