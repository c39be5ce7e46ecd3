import { lstatSync, type Stats, statSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { cacheError } from '../common/cache-errors.ts';
import { isSystemError } from '../common/errors.ts';
import { entriesOf } from '../common/folder-entries.ts';
import { sum } from '../common/sum.ts';
import type { CacheLayout } from '../model-files/layout.ts';
import { isAccessible } from '../model-files/model-folder.ts';
import type { CachedModel } from '../model-files/types.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { presentShards } from '../protocol/shards.ts';

/** A model on the disk, as it was when its folder was last read. */
export interface ListedModel extends CachedModel {
  /** Modification time of its first file, in Unix milliseconds. */
  readonly modified: number;
}

/** The contents of a folder when it was read. */
interface Folder {
  /** Timestamps of the folder before it was read; undefined if a later change might not alter them. */
  readonly stamp: string | undefined;
  readonly folders: readonly string[];
  readonly models: readonly ListedModel[];
}

/** Depth of an owner's folder; the models folder has depth 0. Both may be links. */
const OWNER_DEPTH = 1;
/** Depth of a repository's folder; folders above it contain no model files. */
const REPO_DEPTH = 2;

/**
 * A folder that was modified less than this before it was read is read again next time, in milliseconds: file systems
 * store timestamps with a resolution of up to two seconds (FAT), and a second change within that time would be missed.
 * Git does the same with its index ("racy git").
 */
const TIMESTAMP_STEP_MS = 2_500;

/**
 * Lists the models in the cache folder. Folders with unchanged timestamps are not read again, so a repeated listing
 * costs one `stat` per folder. The size of a file that was changed in place is out of date; opening a model checks the
 * file.
 */
export class ModelListing {
  readonly #layout: CacheLayout;
  readonly #now: () => number;
  #folders: ReadonlyMap<string, Folder> = new Map();
  #models: readonly ListedModel[] = [];
  /** The last walk. Walks are serialized, because they share state. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(layout: CacheLayout, now: () => number = Date.now) {
    this.#layout = layout;
    this.#now = now;
  }

  /** Returns all models sorted by id; the same array until something changes. @throws HostError `CACHE_ERROR`. */
  list(): Promise<readonly ListedModel[]> {
    const listed = this.#last.then(() => this.#walk());
    this.#last = listed.catch(() => undefined);
    return listed;
  }

  async #walk(): Promise<readonly ListedModel[]> {
    const previousFolders = this.#folders;
    const seen = new Map<string, Folder>();
    let changed = false;
    const pending: { path: string; depth: number }[] = [{ path: this.#layout.models, depth: 0 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { path, depth } = next;
      if (depth <= OWNER_DEPTH && !isAccessible(this.#layout, path)) continue;
      const previous = previousFolders.get(path);
      // Synchronous, because `stat` is much faster than creating a promise for each of a thousand folders.
      const stats = folderStats(path, depth);
      const isSame = previous?.stamp !== undefined && stats !== undefined && previous.stamp === stampOf(stats);
      const folder = isSame ? previous : await this.#read(path, depth, stats);
      changed ||= !isSame;
      seen.set(path, folder);
      for (const name of folder.folders) pending.push({ path: join(path, name), depth: depth + 1 });
    }
    if (changed || seen.size !== previousFolders.size) {
      this.#models = [...seen.values()]
        .flatMap(({ models }) => models)
        .sort((a, b) => (a.name.id < b.name.id ? -1 : 1));
    }
    this.#folders = seen;
    return this.#models;
  }

  async #read(path: string, depth: number, stats: Stats | undefined): Promise<Folder> {
    const changedAt = Math.max(stats?.mtimeMs ?? 0, stats?.ctimeMs ?? 0);
    const age = this.#now() - changedAt;
    const stamp = stats !== undefined && age > TIMESTAMP_STEP_MS ? stampOf(stats) : undefined;
    const entries = await entriesOf(path);
    const folders = entries
      .filter((entry) => entry.isDirectory() || (depth < OWNER_DEPTH && entry.isSymbolicLink()))
      .map(({ name }) => name);
    if (depth < REPO_DEPTH) return { stamp, folders, models: [] };
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    return { stamp, folders, models: await this.#modelsIn(path, files) };
  }

  /** Returns the models whose files all exist. The files of a split model are in the same folder. */
  async #modelsIn(folder: string, files: readonly string[]): Promise<ListedModel[]> {
    const prefix = folder.slice(this.#layout.models.length + 1).replaceAll(sep, '/');
    const names = new Map<string, ModelName>();
    for (const file of files) {
      const name = modelNameOf(`${prefix}/${file}`);
      if (name !== undefined) names.set(name.id, name);
    }
    const present = new Set(files);
    const models = await Promise.all([...names.values()].map((name) => modelIn(folder, name, present)));
    return models.filter((model) => model !== undefined);
  }
}

/**
 * Returns a model if all its files exist, else undefined.
 *
 * @param folder The folder with the files of the model.
 * @param present The names of the files in that folder.
 */
async function modelIn(
  folder: string,
  name: ModelName,
  present: ReadonlySet<string>,
): Promise<ListedModel | undefined> {
  const files = presentShards(basename(name.file), present)?.map((file) => join(folder, file));
  if (files === undefined) return undefined;
  const stats = await Promise.all(files.map(fileStats));
  const found = stats.filter((each) => each !== undefined);
  if (found.length < files.length) return undefined;
  const size = sum(found.map((each) => each.size));
  return { name, files, size, modified: found[0]?.mtimeMs ?? 0 };
}

function folderStats(path: string, depth: number): Stats | undefined {
  try {
    return (depth <= OWNER_DEPTH ? statSync : lstatSync)(path, { throwIfNoEntry: false });
  } catch (error) {
    // A folder that cannot be accessed is treated like a missing one and checked again next time.
    if (isSystemError(error, 'EACCES', 'EPERM', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw cacheError(error, path);
  }
}

async function fileStats(path: string): Promise<Stats | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw cacheError(error, path);
  }
}

function stampOf({ ino, mtimeMs, ctimeMs }: Stats): string {
  return `${ino}:${mtimeMs}:${ctimeMs}`;
}
