import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isSystemError } from '../errors.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { CacheLayout } from './layout.ts';
import type { CachedModel } from './types.ts';

/** Asks the disk for a model: there when every one of its files is, as a file (no link that could lead elsewhere). */
export async function findModel(layout: CacheLayout, name: ModelName): Promise<CachedModel | undefined> {
  const files = shardFiles(name.file).map((file) => layout.finalPath(name, file));
  const sizes = await Promise.all(files.map(sizeOfFile));
  let size = 0;
  for (const bytes of sizes) {
    if (bytes === undefined) return undefined;
    size += bytes;
  }
  return { name, files, size };
}

/** Every model in the folder. What is there under a name no model can have is not ours and is passed over. */
export async function listModels(layout: CacheLayout): Promise<CachedModel[]> {
  const names = new Map<string, ModelName>();
  for (const owner of await foldersIn(layout.models)) {
    for (const repo of await foldersIn(join(layout.models, owner))) {
      for (const file of await filesBelow(join(layout.models, owner, repo))) {
        const name = modelNameOf(`${owner}/${repo}/${file}`);
        if (name !== undefined) names.set(name.id, name);
      }
    }
  }
  const models = await Promise.all([...names.values()].map((name) => findModel(layout, name)));
  return models.filter((model) => model !== undefined).sort((a, b) => (a.name.id < b.name.id ? -1 : 1));
}

async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  return (await entriesOf(folder, false)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Paths below a folder, with `/` between their parts as in a repository. */
async function filesBelow(folder: string): Promise<string[]> {
  return (await entriesOf(folder, true))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

async function entriesOf(folder: string, recursive: boolean): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true, recursive });
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}
