import { lstatSync, type Stats, statSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { cacheError } from '../common/cache-errors.ts';
import { isSystemError } from '../common/errors.ts';
import { entriesOf } from '../common/folder-entries.ts';
import { sum } from '../common/sum.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { CacheLayout } from './layout.ts';
import { canEnter } from './model-folder.ts';
import type { CachedModel } from './types.ts';

/** A model on the disk, as it was when its folder changed last. */
export interface ListedModel extends CachedModel {
  /** When its first file changed last, Unix milliseconds. */
  readonly modified: number;
}

/** What a folder held when it was read. */
interface Folder {
  /** Of the folder, before it was read; undefined where a change right after would not be told by it. */
  readonly stamp: string | undefined;
  readonly folders: readonly string[];
  readonly models: readonly ListedModel[];
}

/** The folder of models has depth 0, and an owner's folder this one: both may be links. */
const OWNER_DEPTH = 1;
/** Folders above this depth hold owners and repositories, no files of models. */
const REPO_DEPTH = 2;

/**
 * A folder that changed so recently is read again next time, milliseconds: file systems note times in steps of up to two
 * seconds (FAT), and a change within the step would go unseen. Git does the same with its index ("racy git").
 */
const UNSURE_MS = 2_500;

/**
 * The models in the cache's folder, listed again and again at the cost of a look at each folder: one whose time of change
 * is the same holds the same files. Of a file that was changed in its place the list has the old size; who opens a model
 * looks at the file itself.
 */
export class ModelListing {
  readonly #layout: CacheLayout;
  readonly #now: () => number;
  #folders: ReadonlyMap<string, Folder> = new Map();
  #models: readonly ListedModel[] = [];
  /** One walk after the other, so that what the last one saw is what counts. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(layout: CacheLayout, now: () => number = Date.now) {
    this.#layout = layout;
    this.#now = now;
  }

  /** Every model, by id; the very same array as long as nothing changes. Throws `CACHE_ERROR`. */
  list(): Promise<readonly ListedModel[]> {
    const listed = this.#last.then(() => this.#walk());
    this.#last = listed.catch(() => undefined);
    return listed;
  }

  async #walk(): Promise<readonly ListedModel[]> {
    const before = this.#folders;
    const seen = new Map<string, Folder>();
    let changed = false;
    const pending: { path: string; depth: number }[] = [{ path: this.#layout.models, depth: 0 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { path, depth } = next;
      if (depth <= OWNER_DEPTH && !canEnter(this.#layout, path)) continue;
      const known = before.get(path);
      // Without a promise: a thousand folders are looked at in the time that some dozen promises take.
      const stats = folderStats(path, depth);
      const isSame = known?.stamp !== undefined && stats !== undefined && known.stamp === stampOf(stats);
      const folder = isSame ? known : await this.#read(path, depth, stats);
      changed ||= !isSame;
      seen.set(path, folder);
      for (const name of folder.folders) pending.push({ path: join(path, name), depth: depth + 1 });
    }
    if (changed || seen.size !== before.size) {
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
    const stamp = stats !== undefined && age > UNSURE_MS ? stampOf(stats) : undefined;
    const entries = await entriesOf(path);
    const folders = entries
      .filter((entry) => entry.isDirectory() || (depth < OWNER_DEPTH && entry.isSymbolicLink()))
      .map(({ name }) => name);
    if (depth < REPO_DEPTH) return { stamp, folders, models: [] };
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    return { stamp, folders, models: await this.#modelsIn(path, files) };
  }

  /** The models whose files are all there; the parts of one lie side by side. */
  async #modelsIn(folder: string, files: readonly string[]): Promise<ListedModel[]> {
    const prefix = folder.slice(this.#layout.models.length + 1).replaceAll(sep, '/');
    const names = new Map<string, ModelName>();
    for (const file of files) {
      const name = modelNameOf(`${prefix}/${file}`);
      if (name !== undefined) names.set(name.id, name);
    }
    const models = await Promise.all([...names.values()].map((name) => modelIn(folder, name)));
    return models.filter((model) => model !== undefined);
  }
}

/** @param folder The one that holds the model's first file: its others lie beside it. */
async function modelIn(folder: string, name: ModelName): Promise<ListedModel | undefined> {
  const files = shardFiles(name.file).map((file) => join(folder, basename(file)));
  const stats = await Promise.all(files.map(fileStats));
  const present = stats.filter((each) => each !== undefined);
  if (present.length < files.length) return undefined;
  const size = sum(present.map((each) => each.size));
  return { name, files, size, modified: present[0]?.mtimeMs ?? 0 };
}

function folderStats(path: string, depth: number): Stats | undefined {
  try {
    return (depth <= OWNER_DEPTH ? statSync : lstatSync)(path, { throwIfNoEntry: false });
  } catch (error) {
    // Not to be looked into: read like one that is gone, and looked at again next time.
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
