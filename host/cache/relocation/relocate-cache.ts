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
import { CacheLayout } from '../../model-files/layout.ts';
import { followedLinks } from '../../model-files/model-folder.ts';
import { type Journal, MARKER, MOVED_FOLDERS, pathsAt, readJournal, readLocation } from './location.ts';
import { cacheLockPath } from './open-location.ts';
import { recoverMove, removeSource } from './recover.ts';
import { copyFile, listFiles, removeEmpty } from './tree.ts';

/** Progress of a move, in bytes. */
export interface RelocationProgress {
  readonly moved: number;
  readonly total: number;
}

/** The result of a move. */
export interface RelocationResult {
  readonly from: string;
  readonly to: string;
  readonly files: number;
  readonly bytes: number;
}

/** Options for {@link relocateCache}. */
export interface RelocationOptions {
  readonly paths: HostPaths;
  /** Absolute path of the new folder. The home folder moves the cache back. */
  readonly to: string;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener<RelocationProgress>;
  readonly log: Logger;
  /** Default: `rename` if both folders are on the same disk. */
  readonly method?: Journal['method'];
}

/**
 * Moves models and unfinished downloads to another folder or disk. At any time, each model is complete in one of the
 * folders: files are copied first, then the new location is saved atomically, then the old files are removed. If the
 * move is interrupted, the next host that starts undoes it, or finishes it if the new location was already saved.
 *
 * @throws HostError `INVALID_REQUEST` for an unsuitable folder, `CACHE_ERROR` if a folder of the cache is a link or a
 *   file operation fails, `CACHE_MOVING` while other hosts use the cache, `DISK_FULL`, `CACHE_NOT_WRITABLE`; the
 *   signal's reason when aborted, after the move has been undone.
 */
export async function relocateCache(options: RelocationOptions): Promise<RelocationResult> {
  const { paths, log } = options;
  const lock = FileLock.try(cacheLockPath(paths));
  if (lock === undefined) throw cacheInUse();
  try {
    const interrupted = await readJournal(paths);
    if (interrupted !== undefined) await recoverMove(paths, interrupted, log);
    const from = await readLocation(paths);
    const [link] = await followedLinks(new CacheLayout(pathsAt(paths, from)));
    if (link !== undefined) throw linkNotMoved(link);
    const to = await prepareTarget(options.to, from);
    const files = (await Promise.all(MOVED_FOLDERS.map((folder) => listFiles(join(from, folder))))).flat();
    const method = options.method ?? ((await deviceOf(from)) === (await deviceOf(to)) ? 'rename' : 'copy');
    if (method === 'copy') await assertSpace(to, sum(files.map(({ allocated }) => allocated)));
    const journal: Journal = { from, to, method };
    await writeJson(relocationJournalFile(paths), journal);
    try {
      await transfer(journal, options, sum(files.map(({ size }) => size)));
      await writeJson(join(to, MARKER), { cacheOf: paths.home });
      if (to === paths.home) await removeFile(cacheLocationFile(paths));
      else await writeJson(cacheLocationFile(paths), { folder: to });
    } catch (error) {
      await recoverMove(paths, journal, log);
      throw error;
    }
    await removeSource(journal);
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

/** Renames the folders or copies their files. */
async function transfer({ from, to, method }: Journal, options: RelocationOptions, total: number): Promise<void> {
  let moved = 0;
  for (const folder of MOVED_FOLDERS) {
    const [old, target] = [join(from, folder), join(to, folder)];
    options.signal.throwIfAborted();
    options.onProgress({ moved, total });
    if (method === 'rename') {
      if (await exists(old)) await renameFile(old, target);
      continue;
    }
    for (const { path } of await listFiles(old)) {
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

/** Checks the target folder, creates it if needed, and returns its real path. It must not contain parts of a cache. */
async function prepareTarget(requested: string, from: string): Promise<string> {
  if (!isAbsolute(requested) || requested.includes('\0')) throw invalidTarget(requested, 'an absolute path');
  await mkdir(resolve(requested), { recursive: true, mode: 0o700 });
  const to = await realpath(requested);
  const old = await realpath(from);
  if (to === old) throw invalidTarget(requested, 'a folder other than the current cache folder');
  for (const folder of MOVED_FOLDERS) {
    if (isWithin(to, join(old, folder))) throw invalidTarget(requested, 'a folder outside the cache');
    if (isWithin(old, join(to, folder))) throw invalidTarget(requested, 'a folder that does not contain the cache');
    // An earlier move may have left empty folders.
    await removeEmpty(join(to, folder));
    if (await exists(join(to, folder)))
      throw invalidTarget(requested, `a folder that does not already contain "${folder}"`);
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

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

function invalidTarget(folder: string, expected: string): HostError {
  return new HostError('INVALID_REQUEST', `Cannot move the cache to ${JSON.stringify(folder)}: expected ${expected}.`, {
    details: { field: 'folder', expected, found: folder },
  });
}

function linkNotMoved(path: string): HostError {
  return new HostError(
    'CACHE_ERROR',
    `The cache cannot be moved because ${path} is a link. Move the folder it leads to yourself and change the link, or remove the link first.`,
    { details: { path } },
  );
}

function cacheInUse(): HostError {
  return new HostError(
    'CACHE_MOVING',
    'The cache cannot be moved while other host processes are using it. Close every browser that uses TabAgent, then try again.',
  );
}
