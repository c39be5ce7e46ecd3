import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheError } from '../common/cache-errors.ts';
import { isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { renameFile } from '../common/files-in-use.ts';
import { modelInUse, modelNotDownloaded } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { deleteModel } from '../model-files/delete-model.ts';
import type { DownloadIndex } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { ModelFolder } from '../model-files/model-folder.ts';
import { assertOwn, findModel } from '../model-files/model-folders.ts';
import type { CachedModel } from '../model-files/types.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { ModelLeases } from './model-leases.ts';

/** Models compared with the hub at a time. */
const CHECKS_AT_ONCE = 4;

/** Files of a split model whose metadata is requested at a time: a name can claim a thousand. */
const REQUESTS_AT_ONCE = 8;

/** Errors which mean that the hub no longer has a file. */
const GONE: readonly ErrorCode[] = ['REPO_NOT_FOUND', 'REVISION_NOT_FOUND', 'FILE_NOT_FOUND'];

/** Errors that concern all models alike. */
const FATAL: readonly ErrorCode[] = ['OFFLINE', 'HUB_UNREACHABLE', 'RATE_LIMITED'];

/** How a downloaded model compares with the hub. */
export interface ModelUpdate {
  readonly model: CachedModel;
  /** `unknown`: there is no record of what was downloaded, and the size is the same, or the hub refuses access. */
  readonly state: 'current' | 'newer' | 'gone' | 'unknown';
  /** Bytes of the newer files. */
  readonly newSize?: number;
  /** Their commit; null if the hub does not name it. */
  readonly commit?: string | null;
  /** Why the state is unknown. */
  readonly reason?: string;
}

/** Options for {@link CacheUpdates}. */
export interface CacheUpdatesOptions {
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly leases: ModelLeases;
  readonly hub: () => Promise<HubClient>;
}

/** Finds the models with newer files on the hub, and replaces the old files. */
export class CacheUpdates {
  readonly #options: CacheUpdatesOptions;

  constructor(options: CacheUpdatesOptions) {
    this.#options = options;
  }

  /**
   * Compares models with the hub, and remembers which have newer files.
   *
   * @throws HostError `OFFLINE`, `HUB_UNREACHABLE`, `RATE_LIMITED`; the signal's reason when aborted.
   */
  async check(models: readonly CachedModel[], signal: AbortSignal): Promise<ModelUpdate[]> {
    const updates: ModelUpdate[] = new Array(models.length);
    const rest = [...models.entries()];
    const work = async () => {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
        const [at, model] = next;
        const update = await this.#check(model, signal);
        updates[at] = update;
        const { newSize } = update;
        await this.#options.index.setNewer(model.name.id, newSize === undefined ? undefined : { size: newSize });
      }
    };
    await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, work));
    return updates;
  }

  /** Returns what the last checks found, by model id: the size of the newer files in bytes. */
  known(): Promise<Map<string, { readonly size: number }>> {
    return this.#options.index.allNewer();
  }

  /**
   * Gives the files of `staged`, which are complete, the names of an older version. A loaded model keeps the old files
   * until it is unloaded, which then frees their space; Windows does not allow that, so there it has to be unloaded
   * first.
   *
   * @throws HostError `MODEL_IN_USE`, `FILE_IN_USE`, `NOT_OURS`, `MODEL_NOT_DOWNLOADED`.
   */
  async replace(name: ModelName, staged: ModelName): Promise<CachedModel> {
    const { layout, index, leases } = this.#options;
    await assertOwn(layout, index, name);
    const lock = FileLock.try(layout.lockPath(name));
    if (lock === undefined) throw modelInUse([name.id]);
    // A load that starts now waits until all files of the model are of one version.
    const exclusive = leases.takeExclusive(name);
    try {
      const [from, to] = [new ModelFolder(layout, staged), new ModelFolder(layout, name)];
      for (const file of shardFiles(name.file)) {
        const path = to.pathOf(file);
        await renameFile(from.pathOf(file), path).catch((error: unknown) => {
          throw cacheError(error, path);
        });
        await index.moveFile(fileKey(staged, file), fileKey(name, file));
      }
      await deleteModel(layout, index, staged);
      await removeIfEmpty(dirname(from.pathOf(name.file)), layout.repoFolder(staged));
      await index.setNewer(name.id, undefined);
    } finally {
      exclusive?.release();
      lock.release();
    }
    const model = await findModel(layout, name);
    if (model === undefined) throw modelNotDownloaded(name.id);
    return model;
  }

  async #check(model: CachedModel, signal: AbortSignal): Promise<ModelUpdate> {
    try {
      const remotes = await this.#remotes(model.name, signal);
      const newSize = sum(remotes.map(({ size }) => size));
      const same = await Promise.all(remotes.map((remote) => this.#isSame(model.name, remote)));
      const commit = remotes[0]?.commit ?? null;
      if (same.includes(false) || newSize !== model.size) return { model, state: 'newer', newSize, commit };
      if (!same.includes(undefined)) return { model, state: 'current' };
      return { model, state: 'unknown', reason: 'No checksum was recorded. Verify the model to compare its content.' };
    } catch (error) {
      signal.throwIfAborted();
      if (!isHostError(error)) throw error;
      const { code, message: reason } = error;
      if (FATAL.includes(code)) throw error;
      return { model, state: GONE.includes(code) ? 'gone' : 'unknown', reason };
    }
  }

  async #remotes(name: ModelName, signal: AbortSignal): Promise<RemoteFile[]> {
    const hub = await this.#options.hub();
    const files = shardFiles(name.file);
    const remotes: RemoteFile[] = [];
    for (let at = 0; at < files.length; at += REQUESTS_AT_ONCE) {
      const group = files.slice(at, at + REQUESTS_AT_ONCE);
      remotes.push(...(await Promise.all(group.map((file) => hub.fileInfo(name, file, { signal })))));
    }
    return remotes;
  }

  /** Whether a file is the one on the disk, according to the index; undefined if that does not know. */
  async #isSame(name: ModelName, { file, checksum }: RemoteFile): Promise<boolean | undefined> {
    const record = await this.#options.index.file(fileKey(name, file));
    if (record?.checksum.algorithm !== checksum.algorithm) return undefined;
    return record.checksum.hex === checksum.hex;
  }
}

/** Removes folders from `folder` up to `root`, as long as they are empty. */
async function removeIfEmpty(folder: string, root: string): Promise<void> {
  for (let path = folder; path.startsWith(root); path = dirname(path)) {
    const isRemoved = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
}
