import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from '../errors.ts';
import { shardFiles } from '../protocol/shards.ts';
import { cacheError } from './cache-error.ts';
import type { DownloadIndex } from './download-index.ts';
import { type CacheLayout, fileKey } from './layout.ts';
import type { CachedModel } from './types.ts';

/** Removes a model's files, what the index knows of them, and the folders that are empty then. */
export async function deleteModel(layout: CacheLayout, index: DownloadIndex, model: CachedModel): Promise<void> {
  for (const path of model.files) {
    try {
      await rm(path, { force: true });
      await removeEmptyFolders(dirname(path), layout.models);
    } catch (error) {
      throw cacheError(error, path);
    }
  }
  await index.deleteModel(model.name.id);
  for (const file of shardFiles(model.name.file)) {
    const key = fileKey(model.name, file);
    const record = await index.file(key);
    if (record !== undefined) await index.deleteFile(key, Math.ceil(record.size / record.chunkBytes));
  }
}

/** From `folder` upwards to below `root`. */
async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let path = folder; path.startsWith(root) && path !== root; path = dirname(path)) {
    try {
      await rmdir(path);
    } catch (error) {
      if (isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) return;
      throw error;
    }
  }
}
