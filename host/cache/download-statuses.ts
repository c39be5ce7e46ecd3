import { FileLock } from '../common/file-lock.ts';
import { downloadNotFound } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import type { ModelDownload } from '../download/model-download.ts';
import type { DownloadIndex, ModelRecord } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { findModel, partLengths } from '../model-files/model-folders.ts';
import type { CachedModel, DownloadStatus } from '../model-files/types.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';

/** Reports the status of downloads: those of this host, and those of other hosts as recorded in the index. */
export class DownloadStatuses {
  readonly #layout: CacheLayout;
  readonly #index: DownloadIndex;
  readonly #own: ReadonlyMap<string, ModelDownload>;

  /** @param own This host's downloads by model id. The cache adds and removes them. */
  constructor(layout: CacheLayout, index: DownloadIndex, own: ReadonlyMap<string, ModelDownload>) {
    this.#layout = layout;
    this.#index = index;
    this.#own = own;
  }

  /**
   * Returns the status of a download in this host, or as recorded in the index; `completed` if the model is on the
   * disk; undefined if there is no download.
   */
  async of(name: ModelName): Promise<DownloadStatus | undefined> {
    const present = await findModel(this.#layout, name);
    if (present !== undefined) return completedStatus(present, this.#own.get(name.id)?.status);
    const own = this.#own.get(name.id)?.status;
    if (own?.status === 'downloading' && (await this.#isUninterrupted(name))) return own;
    const record = await this.#index.model(name.id);
    const recorded = record && (await this.#fromRecords([[name, record]]))[0];
    if (recorded !== undefined) return withRecentError(recorded, own);
    // A completed or paused download without files on the disk was deleted or pruned.
    return own?.status === 'completed' || own?.status === 'paused' ? undefined : own;
  }

  /** Returns every download that is running, paused or failed, including those of other hosts. */
  async all(): Promise<DownloadStatus[]> {
    const statuses = new Map<string, DownloadStatus>();
    const recorded: [name: ModelName, record: ModelRecord][] = [];
    for await (const [id, record] of this.#index.allModels()) {
      const name = modelNameOf(id);
      if (name === undefined || record.state === 'cancelled' || (await findModel(this.#layout, name)) !== undefined)
        continue;
      recorded.push([name, record]);
    }
    for (const status of await this.#fromRecords(recorded)) {
      const { id } = status.name;
      statuses.set(id, withRecentError(status, this.#own.get(id)?.status));
    }
    for (const [id, { status }] of this.#own) {
      const isUnrecordedFailure =
        status.status === 'failed' && !statuses.has(id) && (await findModel(this.#layout, status.name)) === undefined;
      const isRunning = status.status === 'downloading' && (await this.#isUninterrupted(status.name));
      if (isRunning || isUnrecordedFailure) statuses.set(id, status);
    }
    return [...statuses.values()].sort((a, b) => a.startedAt - b.startedAt);
  }

  /** Returns the status of a download that is about to start. */
  async beforeStart(name: ModelName): Promise<DownloadStatus> {
    const status = await this.of(name);
    if (status?.status === 'completed') return status;
    const startedAt = Math.floor(Date.now() / 1000);
    return { downloaded: 0, total: 0, startedAt, bytesPerSecond: 0, ...status, name, status: 'downloading' };
  }

  /** @throws HostError `DOWNLOAD_NOT_FOUND` if there is no download, or it was cancelled. */
  async existing(name: ModelName): Promise<DownloadStatus> {
    const status = await this.of(name);
    if (status !== undefined && status.status !== 'cancelled') return status;
    throw downloadNotFound(name.id);
  }

  /**
   * Returns whether no host has requested to stop this host's download. The download polls for such requests, so its
   * own status may not reflect one yet.
   */
  async #isUninterrupted({ id }: ModelName): Promise<boolean> {
    return (await this.#index.controlRequest(id)) === undefined;
  }

  /**
   * Returns the status of downloads that this host does not run, from the index. If no host runs a download (its lock
   * is free), counts its recorded chunks.
   */
  async #fromRecords(
    downloads: readonly (readonly [name: ModelName, record: ModelRecord])[],
  ): Promise<DownloadStatus[]> {
    const keys = downloads.map(([name]) =>
      FileLock.isHeld(this.#layout.lockPath(name)) ? [] : shardFiles(name.file).map((file) => fileKey(name, file)),
    );
    const stored = (await this.#index.storedBytesOf(keys.flat())).values();
    const lengths = await Promise.all(downloads.map(([name]) => partLengths(this.#layout, name)));
    return downloads.map(([name, { state, downloaded, total, startedAt, error }], at) => {
      const base = { name, total, startedAt, bytesPerSecond: 0 };
      const files = keys[at] ?? [];
      if (files.length === 0) return { ...base, downloaded, status: 'downloading' };
      // The index still lists the chunks of a partial file that another program removed or truncated.
      const found = {
        ...base,
        downloaded: sum(files.map((_, file) => Math.min(stored.next().value ?? 0, lengths[at]?.[file] ?? 0))),
      };
      if (state === 'failed' && error !== undefined) return { ...found, status: 'failed', error };
      return { ...found, status: state === 'downloading' || state === 'failed' ? 'paused' : state };
    });
  }
}

/** Returns the failed status of this host's own download if it could not be recorded, for example on a full disk. */
function withRecentError(recorded: DownloadStatus, own: DownloadStatus | undefined): DownloadStatus {
  if (recorded.status !== 'paused' || own?.status !== 'failed') return recorded;
  return { ...own, downloaded: recorded.downloaded };
}

function completedStatus(model: CachedModel, own: DownloadStatus | undefined): DownloadStatus {
  const { name, size } = model;
  const startedAt = own?.startedAt ?? 0;
  return { name, downloaded: size, total: size, status: 'completed', startedAt, bytesPerSecond: 0 };
}
