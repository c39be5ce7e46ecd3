import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheError } from '../common/cache-errors.ts';
import { isSystemError } from '../common/errors.ts';
import { removeFile } from '../common/files-in-use.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { DownloadIndex } from './download-index.ts';
import { type CacheLayout, fileKey } from './layout.ts';
import { ModelFolder, partialPath } from './model-folder.ts';

/**
 * Removes a model: its files, partial files, index entries, and folders that become empty. Keeps files that are not the
 * host's own ({@link ModelFolder.isOwn}). Files are removed before index entries, because on a full disk that frees the
 * space for writing the index.
 */
export async function deleteModel(layout: CacheLayout, index: DownloadIndex, name: ModelName): Promise<void> {
  const files = shardFiles(name.file);
  const folder = ModelFolder.find(layout, name);
  for (const file of files) {
    // Both folders are checked, because the model's folder may have been replaced by a link since the download.
    for (const partials of [folder?.partials, layout.partials]) {
      if (partials !== undefined) await remove(partialPath(partials, name, file));
    }
    const path = (await folder?.statsOf(file))?.path;
    if (folder === undefined || path === undefined || !(await folder.isOwn(index, file))) continue;
    await remove(path);
    await removeEmptyFolders(dirname(path), folder.root);
  }
  for (const file of files) await index.deleteFile(fileKey(name, file));
  await index.deleteModel(name.id);
  await index.setNewer(name.id, undefined);
}

async function remove(path: string): Promise<void> {
  try {
    await removeFile(path);
  } catch (error) {
    // A file cannot contain other files.
    if (!isSystemError(error, 'ENOTDIR')) throw cacheError(error, path);
  }
}

/** Removes `folder` and its parents below `root`, until one is not empty. */
async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let path = folder; path.startsWith(root) && path !== root; path = dirname(path)) {
    try {
      await rmdir(path);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) continue;
      // The folder is not empty or cannot be removed, which does no harm.
      return;
    }
  }
}
