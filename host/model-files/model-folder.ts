import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { cacheError } from '../common/cache-errors.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { entriesOf } from '../common/folder-entries.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { DownloadIndex, FileRecord } from './download-index.ts';
import { type CacheLayout, fileKey } from './layout.ts';
import { hasOtherSpelling } from './spelling.ts';

/**
 * Folder for unfinished downloads if the models are on another disk than the data folder: a file cannot be renamed to
 * another disk.
 */
const PARTIAL_FOLDER = '.tabagent-partial';

/** Maximum resolution of file timestamps, in milliseconds (FAT). Copying a file to another disk can round them. */
const TIME_STEP_MS = 2_000;

/**
 * The folder of a repository's files. All code that downloads, lists, loads, verifies, repairs, evicts, moves or
 * deletes models gets its paths from this class, which defines how links are treated:
 *
 * - `models/` and the owner folders in it may be links (symbolic links, or junctions on Windows), for storing models on
 *   a larger disk. Such a link is followed if its target is a folder that belongs to the user and neither contains nor
 *   is contained in the data folder.
 * - No other link is followed, neither below the owner folder nor in place of a file. The target of such a link is not
 *   a model, and a download that would have to write through it is rejected.
 * - The target of a followed link may contain the user's own files. There the host deletes, evicts and repairs only
 *   files that it downloaded and that have not changed since ({@link ModelFolder.isOwn}), and never moves anything.
 */
export class ModelFolder {
  /** Whether `models/` or the owner folder is a link. */
  readonly isLinked: boolean;
  /**
   * The parent folder up to which empty folders are removed: `models/`, or an owner folder that is a link.
   */
  readonly root: string;
  /** Folder with this repository's unfinished downloads. */
  readonly partials: string;
  readonly #name: ModelName;
  readonly #models: string;
  readonly #owner: string;
  readonly #folder: string;

  /** @throws HostError `CACHE_ERROR` for a link that is not followed. */
  constructor(layout: CacheLayout, name: ModelName) {
    this.#name = name;
    this.#models = layout.models;
    this.#owner = join(layout.models, name.owner);
    const isModelsLinked = isFollowedLink(layout, layout.models);
    const isOwnerLinked = isFollowedLink(layout, this.#owner);
    this.isLinked = isModelsLinked || isOwnerLinked;
    this.root = isOwnerLinked ? this.#owner : layout.models;
    this.partials = partialsOf(layout, this.#owner);
    this.#folder = layout.repoFolder(name);
  }

  /** Returns the folder; undefined if it is a link that is not followed, and therefore contains no models. */
  static find(layout: CacheLayout, name: ModelName): ModelFolder | undefined {
    try {
      return new ModelFolder(layout, name);
    } catch (error) {
      if (error instanceof HostError) return undefined;
      throw error;
    }
  }

  /**
   * Returns the path of one of the repository's files, which need not exist.
   *
   * @throws HostError `CACHE_ERROR` if a folder on its path is a link.
   */
  pathOf(file: string): string {
    const path = join(this.#folder, ...file.split('/'));
    let folder = this.#owner;
    for (const part of relative(this.#owner, dirname(path)).split(sep)) {
      folder = join(folder, part);
      if (statsOrUndefined(folder)?.isSymbolicLink() === true) throw notFollowed(folder, 'it is below an owner folder');
    }
    return path;
  }

  /**
   * Returns the path and stats of a regular file of the repository; undefined if it does not exist, may not be read, or
   * belongs to a model with a differently spelled name.
   */
  async statsOf(file: string): Promise<{ path: string; stats: Stats } | undefined> {
    try {
      const path = this.pathOf(file);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats?.isFile() !== true || (await hasOtherSpelling(this.#models, path))) return undefined;
      return { path, stats };
    } catch (error) {
      if (error instanceof HostError || isSystemError(error, 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP'))
        return undefined;
      throw cacheError(error, this.#folder);
    }
  }

  /** Returns the path of a file while it is being downloaded. */
  partialPath(file: string): string {
    return partialPath(this.partials, this.#name, file);
  }

  /**
   * Returns whether the host may delete or replace a file: in the cache's own folders any file; in a linked folder only
   * a file that the host downloaded according to the index and whose size and modification time have not changed since.
   */
  async isOwn(index: DownloadIndex, file: string): Promise<boolean> {
    if (!this.isLinked) return true;
    const found = await this.statsOf(file);
    if (found === undefined) return true;
    return isUnchanged(await index.file(fileKey(this.#name, file)), found.stats);
  }
}

/** Returns the path of an unfinished download in a folder for partial files. */
export function partialPath(folder: string, name: ModelName, file: string): string {
  return join(folder, `${fileKey(name, file)}.partial`);
}

function isUnchanged(record: FileRecord | undefined, { size, mtimeMs }: Stats): boolean {
  if (record?.publishedMs === undefined) return false;
  return record.size === size && Math.abs(record.publishedMs - mtimeMs) <= TIME_STEP_MS;
}

/** Returns the names of the owner folders, including followed links. */
export async function listOwners(layout: CacheLayout): Promise<string[]> {
  if (!isAccessible(layout, layout.models)) return [];
  const entries = await entriesOf(layout.models);
  return entries
    .filter(
      (entry) =>
        entry.isDirectory() || (entry.isSymbolicLink() && isAccessible(layout, join(layout.models, entry.name))),
    )
    .map(({ name }) => name);
}

/** Returns every folder that may contain unfinished downloads. */
export async function partialFolders(layout: CacheLayout): Promise<string[]> {
  const roots = [layout.models, ...(await listOwners(layout)).map((owner) => join(layout.models, owner))];
  const linkedPartials = roots
    .map((root) => join(root, PARTIAL_FOLDER))
    .filter((path) => statsOrUndefined(path)?.isDirectory() === true);
  return isAccessible(layout, layout.partials) ? [layout.partials, ...linkedPartials] : linkedPartials;
}

/** Returns whether a folder of the cache may be entered: it is not a link, or it is a link that is followed. */
export function isAccessible(layout: CacheLayout, path: string): boolean {
  try {
    isFollowedLink(layout, path);
    return true;
  } catch (error) {
    if (error instanceof HostError) return false;
    throw error;
  }
}

/** Returns the followed links in a cache. Their targets are not moved with the cache. */
export async function followedLinks(layout: CacheLayout): Promise<string[]> {
  const owners = (await listOwners(layout)).map((owner) => join(layout.models, owner));
  return [layout.models, layout.partials, ...owners].filter(
    (path) => statsOrUndefined(path)?.isSymbolicLink() === true,
  );
}

/** Returns whether a path is a link that is followed. Throws `CACHE_ERROR` for a link that is not followed. */
function isFollowedLink({ models }: CacheLayout, path: string): boolean {
  if (statsOrUndefined(path)?.isSymbolicLink() !== true) return false;
  const target = targetOf(path);
  if (target === undefined)
    throw notFollowed(path, 'the folder it leads to does not exist, or its disk is not connected');
  if (!target.stats.isDirectory()) throw notFollowed(path, 'it does not lead to a folder');
  const user = process.getuid?.();
  if (user !== undefined && target.stats.uid !== user) {
    throw notFollowed(path, `${target.path} belongs to another user (${target.stats.uid})`);
  }
  const home = realpathSync(dirname(models));
  if (isWithin(target.path, home) || isWithin(home, target.path)) {
    throw notFollowed(path, 'it leads into the data folder itself, or to a folder around it');
  }
  return true;
}

function targetOf(link: string): { path: string; stats: Stats } | undefined {
  try {
    const path = realpathSync(link);
    return { path, stats: statSync(path) };
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw cacheError(error, link);
  }
}

function partialsOf(layout: CacheLayout, owner: string): string {
  const [ofOwner, ofModels] = [deviceOf(owner), deviceOf(layout.models)];
  if (ofOwner !== ofModels) return join(owner, PARTIAL_FOLDER);
  if (ofModels !== deviceOf(layout.partials)) return join(layout.models, PARTIAL_FOLDER);
  isFollowedLink(layout, layout.partials);
  return layout.partials;
}

/** Returns the device of a folder, or of its closest existing parent. */
function deviceOf(path: string): number | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats !== undefined || folder === dirname(folder)) return stats?.dev;
  }
}

/** Returns the stats of a path without following links; undefined if it does not exist. */
function statsOrUndefined(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw cacheError(error, path);
  }
}

function isWithin(path: string, folder: string): boolean {
  const rest = relative(folder, path);
  return rest === '' || (!rest.startsWith('..') && !isAbsolute(rest));
}

function notFollowed(path: string, why: string): HostError {
  return new HostError(
    'CACHE_ERROR',
    `${path} is a link that is not followed: ${why}. Put a folder in its place, or link it to a folder of your own outside the data folder.`,
    { details: { path } },
  );
}

/** Returns the error for a file in a linked folder that the host did not download or that has changed since. */
export function notDownloadedHere({ id }: ModelName, path: string): HostError {
  return new HostError(
    'NOT_OURS',
    `${path} was not changed because it is in a linked folder and was not downloaded by this host, or has changed since. Remove it yourself if you no longer need ${id}.`,
    { details: { model: id, path } },
  );
}
