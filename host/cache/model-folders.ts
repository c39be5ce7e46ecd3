import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../common/errors.ts';
import { entriesOf } from '../common/folder-entries.ts';
import { sum } from '../common/sum.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { cacheError } from './cache-errors.ts';
import type { CacheLayout } from './layout.ts';
import { hasOtherSpelling } from './spelling.ts';
import type { CachedModel } from './types.ts';

/** Asks the disk for a model: there when every one of its files is, as a file (no link that could lead elsewhere). */
export async function findModel(layout: CacheLayout, name: ModelName): Promise<CachedModel | undefined> {
  const { files, sizes } = await partsOf(layout, name);
  const present = sizes.filter((bytes) => bytes !== undefined);
  return present.length < files.length ? undefined : { name, files, size: sum(present) };
}

/** Bytes of those files of a model that are there: of several perhaps not all. Undefined where none is. */
export async function bytesOf(layout: CacheLayout, name: ModelName): Promise<number | undefined> {
  const present = (await partsOf(layout, name)).sizes.filter((bytes) => bytes !== undefined);
  return present.length === 0 ? undefined : sum(present);
}

/** The names of all models of which at least one file is there. */
export async function listNames(layout: CacheLayout): Promise<ModelName[]> {
  const names = new Map<string, ModelName>();
  for (const owner of await foldersIn(layout.models)) {
    for (const repo of await foldersIn(join(layout.models, owner))) {
      for await (const file of filesBelow(join(layout.models, owner, repo))) {
        const name = modelNameOf(`${owner}/${repo}/${file}`);
        if (name !== undefined) names.set(name.id, name);
      }
    }
  }
  return [...names.values()];
}

async function partsOf(layout: CacheLayout, name: ModelName) {
  const files = shardFiles(name.file).map((file) => layout.finalPath(name, file));
  return { files, sizes: await Promise.all(files.map((path) => sizeOfFile(layout, path))) };
}

/** Bytes of a model's file; undefined where it is not there, or where what is there belongs to a model of another name. */
export async function sizeOfFile(layout: CacheLayout, path: string): Promise<number | undefined> {
  try {
    const stats = await lstat(path);
    if (!stats.isFile() || (await hasOtherSpelling(layout.models, path))) return undefined;
    return stats.size;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw cacheError(error, path);
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/**
 * Paths below a folder, with `/` between their parts as in a repository. Goes from folder to folder by itself: one that
 * cannot be read, or is removed just now, must not cost the others.
 */
async function* filesBelow(folder: string, prefix = ''): AsyncGenerator<string> {
  for (const entry of await entriesOf(folder)) {
    if (entry.isFile()) yield `${prefix}${entry.name}`;
    else if (entry.isDirectory()) yield* filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`);
  }
}
