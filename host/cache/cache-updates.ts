import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheError } from '../common/cache-errors.ts';
import { defined } from '../common/defined.ts';
import { isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { renameFile } from '../common/files-in-use.ts';
import { modelInUse, modelNotDownloaded } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import type { RetryPause } from '../hub/retry.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { deleteModel } from '../model-files/delete-model.ts';
import type { DownloadIndex, NewerFiles } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { ModelFolder } from '../model-files/model-folder.ts';
import { assertOwn, findModel } from '../model-files/model-folders.ts';
import type { CachedModel } from '../model-files/types.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import { type ModelName, modelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { ModelLeases } from './model-leases.ts';

/** Number of models that are compared with the hub in parallel. */
const CHECK_CONCURRENCY = 4;

/** Number of files of a split model whose metadata are requested in parallel: a name can claim a thousand files. */
const REQUEST_CONCURRENCY = 8;

/** Errors that mean that a file no longer exists on the hub. */
const GONE: readonly ErrorCode[] = ['REPO_NOT_FOUND', 'REVISION_NOT_FOUND', 'FILE_NOT_FOUND'];

/** Errors that affect all models, and therefore end the check. */
const FATAL: readonly ErrorCode[] = ['OFFLINE', 'HUB_UNREACHABLE', 'RATE_LIMITED'];

/** The result of comparing a downloaded model with the hub. */
export interface ModelUpdate {
  readonly model: CachedModel;
  /** `unknown`: no checksum was recorded and the sizes are equal, or the hub denies access. */
  readonly state: 'current' | 'newer' | 'gone' | 'unknown';
  /** Total size of the newer files, in bytes. */
  readonly newSize?: number;
  /** Commit of the newer files; null if the hub does not report it. */
  readonly commit?: string | null;
  /** When they were changed, Unix seconds; undefined if the hub does not say. */
  readonly changedAt?: number | undefined;
  /** Why the state is unknown. */
  readonly reason?: string;
}

/** Options for comparing models with the hub. */
export interface CheckOptions {
  readonly signal: AbortSignal;
  /** See `HubRequestOptions`. */
  readonly onPause?: (pause: RetryPause | undefined) => void;
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
   * Compares models with the hub, and saves in the index which have newer files.
   *
   * @throws HostError `OFFLINE`, `HUB_UNREACHABLE`, `RATE_LIMITED`; the signal's reason when aborted.
   */
  async check(models: readonly CachedModel[], options: CheckOptions): Promise<ModelUpdate[]> {
    const updates: ModelUpdate[] = new Array(models.length);
    const rest = [...models.entries()];
    const work = async () => {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
        const [at, model] = next;
        const update = await this.#check(model, options);
        updates[at] = update;
        await this.#options.index.setNewer(model.name.id, newerFiles(update));
      }
    };
    await Promise.all(Array.from({ length: CHECK_CONCURRENCY }, work));
    return updates;
  }

  /** Returns the newer files according to the last check, by model id. */
  known(): Promise<Map<string, NewerFiles>> {
    return this.#options.index.allNewer();
  }

  /** Returns the models that downloads of newer files are to replace: their ids by the ids of those downloads. */
  async replacedBy(): Promise<Map<string, string>> {
    const replaced = new Map<string, string>();
    for (const [id, { commit }] of await this.known()) {
      const name = modelNameOf(id);
      if (name !== undefined && commit !== undefined) replaced.set(stagedName(name, commit).id, id);
    }
    return replaced;
  }

  /**
   * Replaces the files of a model with the complete files of `staged`. A loaded model uses the old files until it is
   * unloaded, which frees their disk space. On Windows, files in use cannot be replaced, so the model must be unloaded
   * first.
   *
   * @throws HostError `MODEL_IN_USE`, `FILE_IN_USE`, `NOT_OURS`, `MODEL_NOT_DOWNLOADED`.
   */
  async replace(name: ModelName, staged: ModelName): Promise<CachedModel> {
    const { layout, index, leases } = this.#options;
    await assertOwn(layout, index, name);
    const lock = FileLock.try(layout.lockPath(name));
    if (lock === undefined) throw modelInUse([name.id]);
    // A load that starts now waits until all files have been replaced.
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

  async #check(model: CachedModel, options: CheckOptions): Promise<ModelUpdate> {
    try {
      const remotes = await this.#remotes(model.name, options);
      const newSize = sum(remotes.map(({ size }) => size));
      const same = await Promise.all(remotes.map((remote) => this.#isSame(model.name, remote)));
      const commit = remotes[0]?.commit ?? null;
      if (same.includes(false) || newSize !== model.size) {
        const hub = await this.#options.hub();
        const changedAt = await hub.changedAt(model.name, model.name.file, options);
        return { model, state: 'newer', newSize, commit, changedAt };
      }
      if (!same.includes(undefined)) return { model, state: 'current' };
      return { model, state: 'unknown', reason: 'No checksum was recorded. Verify the model to compare its content.' };
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isHostError(error)) throw error;
      const { code, message: reason } = error;
      if (FATAL.includes(code)) throw error;
      return { model, state: GONE.includes(code) ? 'gone' : 'unknown', reason };
    }
  }

  async #remotes(name: ModelName, options: CheckOptions): Promise<RemoteFile[]> {
    const hub = await this.#options.hub();
    const files = shardFiles(name.file);
    const remotes: RemoteFile[] = [];
    for (let at = 0; at < files.length; at += REQUEST_CONCURRENCY) {
      const group = files.slice(at, at + REQUEST_CONCURRENCY);
      remotes.push(...(await Promise.all(group.map((file) => hub.fileInfo(name, file, options)))));
    }
    return remotes;
  }

  /** Returns whether the recorded checksum of a file equals that of the hub; undefined if none is recorded. */
  async #isSame(name: ModelName, { file, checksum }: RemoteFile): Promise<boolean | undefined> {
    const record = await this.#options.index.file(fileKey(name, file));
    if (record?.checksum.algorithm !== checksum.algorithm) return undefined;
    return record.checksum.hex === checksum.hex;
  }
}

/** Returns the name that the newer files of a model have until they are complete: that of their commit. */
export function stagedName(name: ModelName, commit: string): ModelName {
  return modelName({ ...name, revision: commit });
}

function newerFiles({ newSize, commit, changedAt }: ModelUpdate): NewerFiles | undefined {
  if (newSize === undefined) return undefined;
  return { size: newSize, ...defined({ commit: commit ?? undefined, changedAt }) };
}

/** Removes `folder` and its parents up to `root`, until one is not empty. */
async function removeIfEmpty(folder: string, root: string): Promise<void> {
  for (let path = folder; path.startsWith(root); path = dirname(path)) {
    const isRemoved = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
}
