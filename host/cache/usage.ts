import { join } from 'node:path';
import { entriesOf } from '../common/folder-entries.ts';
import type { DownloadIndex, ModelRecord } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { ModelFolder, partialFolders } from '../model-files/model-folder.ts';
import { allocatedBytes, statsOf } from '../model-files/stats.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { ModelListing } from './model-listing.ts';
import type { Pins } from './pins.ts';

/** A model on the disk, its size and its last use. */
export interface ModelUsage {
  readonly name: ModelName;
  /** Bytes. */
  readonly size: number;
  /** Time of its last load, or of its download if it was never loaded; Unix milliseconds. */
  readonly lastUsed: number;
  readonly pinned: boolean;
  /** False for the user's own files in a linked folder. They are never evicted and do not count towards the limit. */
  readonly own: boolean;
}

/** A partial file on the disk. */
export interface PartialUsage {
  /** Absolute. */
  readonly path: string;
  /** The model it belongs to; undefined if no known download has such a file. */
  readonly name: ModelName | undefined;
  /** Bytes allocated on the disk. */
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly modified: number;
}

/** Everything in the cache. */
export interface CacheUsage {
  readonly models: readonly ModelUsage[];
  readonly partials: readonly PartialUsage[];
  /** Known downloads, running or not, by model id. */
  readonly downloads: ReadonlyMap<string, ModelRecord>;
}

/** Name of a partial file; other files in the folder do not belong to the cache. */
const PARTIAL_NAME = /^([0-9a-f]{32})\.partial$/;

/** Options for {@link readUsage}. */
export interface UsageOptions {
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly listing: ModelListing;
  readonly pins: Pins;
}

/** Reads the contents of the cache from the disk and the index. */
export async function readUsage({ layout, index, listing, pins }: UsageOptions): Promise<CacheUsage> {
  const [models, isPinned, used, downloads] = await Promise.all([
    listing.list(),
    pins.all(),
    index.allUsed(),
    Array.fromAsync(index.allModels()),
  ]);
  const usages: ModelUsage[] = [];
  for (const { name, size, modified } of models) {
    const own = await isOwn(layout, index, name);
    usages.push({ name, size, lastUsed: used.get(name.id) ?? modified, pinned: isPinned(name), own });
  }
  return { models: usages, partials: await partialsOf(layout, downloads), downloads: new Map(downloads) };
}

async function isOwn(layout: CacheLayout, index: DownloadIndex, name: ModelName): Promise<boolean> {
  const folder = ModelFolder.find(layout, name);
  if (folder?.isLinked !== true) return true;
  for (const file of shardFiles(name.file)) if (!(await folder.isOwn(index, file))) return false;
  return true;
}

async function partialsOf(
  layout: CacheLayout,
  downloads: readonly (readonly [id: string, record: ModelRecord])[],
): Promise<PartialUsage[]> {
  const owners = new Map<string, ModelName>();
  for (const [id] of downloads) {
    const name = modelNameOf(id);
    if (name === undefined) continue;
    for (const file of shardFiles(name.file)) owners.set(fileKey(name, file), name);
  }
  const partials: PartialUsage[] = [];
  for (const folder of await partialFolders(layout)) {
    for (const { name } of await entriesOf(folder)) {
      const key = PARTIAL_NAME.exec(name)?.[1];
      const path = join(folder, name);
      const stats = key === undefined ? undefined : await statsOf(path);
      if (key === undefined || !stats?.isFile()) continue;
      const bytes = allocatedBytes(stats);
      partials.push({ path, name: owners.get(key), bytes, modified: stats.mtimeMs });
    }
  }
  return partials;
}
