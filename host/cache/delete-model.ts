import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from '../common/errors.ts';
import type { DownloadIndex } from '../download/download-index.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { cacheError } from './cache-errors.ts';
import { type CacheLayout, fileKey } from './layout.ts';
import { hasOtherSpelling } from './spelling.ts';

/**
 * Removes all there is of a model: its files, those of them that are on their way, what the index knows of them, and
 * the folders that are empty then. The files go first: on a full disk that makes room for the index to be written.
 */
export async function deleteModel(layout: CacheLayout, index: DownloadIndex, name: ModelName): Promise<void> {
  const files = shardFiles(name.file);
  for (const file of files) {
    await remove(layout.partialPath(fileKey(name, file)));
    const path = layout.finalPath(name, file);
    // On a disk that ignores case it may be the file of another model.
    if (await hasOtherSpelling(layout.models, path)) continue;
    await remove(path);
    await removeEmptyFolders(dirname(path), layout.models);
  }
  for (const file of files) await index.deleteFile(fileKey(name, file));
  await index.deleteModel(name.id);
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    // Below a file there can be none.
    if (!isSystemError(error, 'ENOTDIR')) throw cacheError(error, path);
  }
}

/** From `folder` upwards to below `root`. */
async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let path = folder; path.startsWith(root) && path !== root; path = dirname(path)) {
    try {
      await rmdir(path);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) continue;
      // Not empty; or not to be removed by us, which costs nobody anything.
      return;
    }
  }
}
