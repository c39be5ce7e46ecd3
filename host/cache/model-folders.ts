import { join } from 'node:path';
import { entriesOf } from '../common/folder-entries.ts';
import { sum } from '../common/sum.ts';
import type { DownloadIndex } from '../download/download-index.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { CacheLayout } from './layout.ts';
import { ModelFolder, notOwn, ownersIn } from './model-folder.ts';
import type { CachedModel } from './types.ts';

/** Asks the disk for a model: there when every one of its files is, as a file (no link that could lead elsewhere). */
export async function findModel(layout: CacheLayout, name: ModelName): Promise<CachedModel | undefined> {
  const parts = await partsOf(layout, name);
  const present = parts.filter((part) => part !== undefined);
  if (present.length < parts.length) return undefined;
  return { name, files: present.map(({ path }) => path), size: sum(present.map(({ stats }) => stats.size)) };
}

/** Bytes of those files of a model that are there: of several perhaps not all. Undefined where none is. */
export async function bytesOf(layout: CacheLayout, name: ModelName): Promise<number | undefined> {
  const present = (await partsOf(layout, name)).filter((part) => part !== undefined);
  return present.length === 0 ? undefined : sum(present.map(({ stats }) => stats.size));
}

/**
 * Makes sure that every file of a model is one the host may delete or replace ({@link ModelFolder.isOwn}).
 *
 * @param files The files in question; default: all of the model.
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
  for (const file of files) if (!(await folder.isOwn(index, file))) throw notOwn(name, folder.pathOf(file));
}

/** The names of all models of which at least one file is there. */
export async function listNames(layout: CacheLayout): Promise<ModelName[]> {
  const names = new Map<string, ModelName>();
  for (const owner of await ownersIn(layout)) {
    for (const repo of await foldersIn(join(layout.models, owner))) {
      for await (const file of filesBelow(join(layout.models, owner, repo))) {
        const name = modelNameOf(`${owner}/${repo}/${file}`);
        if (name !== undefined) names.set(name.id, name);
      }
    }
  }
  return [...names.values()];
}

function partsOf(layout: CacheLayout, name: ModelName) {
  const folder = ModelFolder.find(layout, name);
  return Promise.all(shardFiles(name.file).map((file) => folder?.statsOf(file)));
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
