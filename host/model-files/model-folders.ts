import { join } from 'node:path';
import { entriesOf } from '../common/folder-entries.ts';
import { sum } from '../common/sum.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { eachShard, shardFiles } from '../protocol/shards.ts';
import type { DownloadIndex } from './download-index.ts';
import type { CacheLayout } from './layout.ts';
import { listOwners, ModelFolder, notDownloadedHere } from './model-folder.ts';
import { allocatedBytes, statsOf } from './stats.ts';
import type { CachedModel } from './types.ts';

/** Finds a model on the disk; undefined unless all its files exist as regular files (not links). */
export async function findModel(layout: CacheLayout, name: ModelName): Promise<CachedModel | undefined> {
  const folder = ModelFolder.find(layout, name);
  const present: Exclude<Awaited<ReturnType<ModelFolder['statsOf']>>, undefined>[] = [];
  // Sequential, and ends at the first missing file: a name can claim a thousand files.
  for (const file of eachShard(name.file)) {
    const part = await folder?.statsOf(file);
    if (part === undefined) return undefined;
    present.push(part);
  }
  return { name, files: present.map(({ path }) => path), size: sum(present.map(({ stats }) => stats.size)) };
}

/** Returns the total size of the existing files of a model; undefined if none exists. */
export async function modelBytes(layout: CacheLayout, name: ModelName): Promise<number | undefined> {
  const present = (await statFiles(layout, name)).filter((part) => part !== undefined);
  return present.length === 0 ? undefined : sum(present.map(({ stats }) => stats.size));
}

/** Returns the length of the partial or complete file of each part of a model, in order; 0 if it does not exist. */
export async function partLengths(layout: CacheLayout, name: ModelName): Promise<number[]> {
  const folder = ModelFolder.find(layout, name);
  return Promise.all(
    shardFiles(name.file).map(async (file) => {
      const partial = folder === undefined ? undefined : await statsOf(folder.partialPath(file));
      return partial?.size ?? (await folder?.statsOf(file))?.stats.size ?? 0;
    }),
  );
}

/** Returns the disk space used by the partial files of a model, in bytes. */
export async function partialBytes(layout: CacheLayout, name: ModelName): Promise<number> {
  const folder = ModelFolder.find(layout, name);
  const partials = await Promise.all(
    shardFiles(name.file).map((file) => (folder === undefined ? undefined : statsOf(folder.partialPath(file)))),
  );
  return sum(partials.map((stats) => (stats === undefined ? 0 : allocatedBytes(stats))));
}

/**
 * Asserts that the host may delete or replace every file of a model ({@link ModelFolder.isOwn}).
 *
 * @param files The files to check. Default: all files of the model.
 * @throws HostError `NOT_OURS`.
 */
export async function assertOwn(
  layout: CacheLayout,
  index: DownloadIndex,
  name: ModelName,
  files: readonly string[] = shardFiles(name.file),
): Promise<void> {
  const folder = ModelFolder.find(layout, name);
  if (folder?.isLinked !== true) return;
  for (const file of files) if (!(await folder.isOwn(index, file))) throw notDownloadedHere(name, folder.pathOf(file));
}

/** Returns the names of all models with at least one file on the disk. */
export async function listModelNames(layout: CacheLayout): Promise<ModelName[]> {
  const names = new Map<string, ModelName>();
  for (const owner of await listOwners(layout)) {
    for (const repo of await subfoldersOf(join(layout.models, owner))) {
      for await (const file of walkFiles(join(layout.models, owner, repo))) {
        const name = modelNameOf(`${owner}/${repo}/${file}`);
        if (name !== undefined) names.set(name.id, name);
      }
    }
  }
  return [...names.values()];
}

function statFiles(layout: CacheLayout, name: ModelName) {
  const folder = ModelFolder.find(layout, name);
  return Promise.all(shardFiles(name.file).map((file) => folder?.statsOf(file)));
}

async function subfoldersOf(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/**
 * Yields the paths of the files below a folder, separated by `/` as in a repository. Does not use the recursive mode of
 * `readdir`, which fails as a whole if one folder cannot be read or is removed at that moment.
 */
async function* walkFiles(folder: string, prefix = ''): AsyncGenerator<string> {
  for (const entry of await entriesOf(folder)) {
    if (entry.isFile()) yield `${prefix}${entry.name}`;
    else if (entry.isDirectory()) yield* walkFiles(join(folder, entry.name), `${prefix}${entry.name}/`);
  }
}
