import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { cacheError } from '../common/cache-errors.ts';
import { isSystemError } from '../common/errors.ts';
import { removeFile } from '../common/files-in-use.ts';
import { type CacheLayout, modelKey } from '../model-files/layout.ts';
import type { ModelName } from '../protocol/model-name.ts';

/**
 * The models that the user pinned, which excludes them from eviction. Each pin is an empty file, not an entry of the
 * index, because pins must survive the loss of the index.
 */
export class Pins {
  readonly #layout: CacheLayout;

  constructor(layout: CacheLayout) {
    this.#layout = layout;
  }

  /** @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`. */
  async pin(name: ModelName): Promise<void> {
    const path = this.#layout.pinPath(name);
    try {
      await mkdir(this.#layout.pins, { recursive: true, mode: 0o700 });
      await writeFile(path, '', { mode: 0o600 });
    } catch (error) {
      throw cacheError(error, path);
    }
  }

  /** @throws HostError `CACHE_NOT_WRITABLE`, `CACHE_ERROR`. */
  async unpin(name: ModelName): Promise<void> {
    const path = this.#layout.pinPath(name);
    try {
      await removeFile(path);
    } catch (error) {
      throw cacheError(error, path);
    }
  }

  /** Reads all pins. Returns a function that returns whether a model is pinned. */
  async all(): Promise<(name: ModelName) => boolean> {
    try {
      const keys = new Set(await readdir(this.#layout.pins));
      return keys.size === 0 ? () => false : (name) => keys.has(modelKey(name));
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return () => false;
      throw cacheError(error, this.#layout.pins);
    }
  }
}
