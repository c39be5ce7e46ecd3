import { mkdir } from 'node:fs/promises';
import { cacheError } from '../common/cache-errors.ts';
import { defined } from '../common/defined.ts';
import { assertSpace } from '../common/disk-space.ts';
import { errorInfo, HostError, isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { HostLimits } from '../config.ts';
import type { RetryPause } from '../hub/retry.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { deleteModel } from '../model-files/delete-model.ts';
import type { ControlRequest, DownloadIndex, ModelRecord } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { ModelFolder } from '../model-files/model-folder.ts';
import { assertOwnSpelling, foldCase, ignoresCase, nameConflict } from '../model-files/spelling.ts';
import type { CachedModel, DownloadStatus } from '../model-files/types.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { ActivityWatch } from './activity.ts';
import { FileDownload } from './file-download.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { SpeedMeter } from './speed-meter.ts';

/**
 * Interval at which a download shares its progress with other hosts and polls their control requests, in milliseconds.
 */
export const SHARE_INTERVAL_MS = 250;

/** Number of concurrent metadata requests for the files of a split model: a name can claim a thousand files. */
const CONCURRENT_REQUESTS = 8;

/** Options for the download of a model. */
export interface ModelDownloadOptions {
  readonly name: ModelName;
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly hub: () => Promise<HubClient>;
  readonly limits: HostLimits;
  readonly log: Logger;
  /** Rate limiter shared by all downloads of the host. */
  readonly rateLimiter: RateLimiter;
  /** Returns the model if it is complete on the disk. */
  readonly find: () => Promise<CachedModel | undefined>;
  /** Evicts models until this many more bytes fit within the user's limit. */
  readonly evictFor: (bytes: number) => Promise<void>;
}

/** A request that waits for the download. */
interface Waiter {
  readonly onProgress: ProgressListener<DownloadStatus> | undefined;
}

/**
 * The download of all files of a model, shared by all requests for the model. It ends when the model is complete, when
 * it fails, or when no request waits for it any more. Its chunks are kept unless it is cancelled.
 */
export class ModelDownload {
  readonly #options: ModelDownloadOptions;
  readonly #waiters = new Set<Waiter>();
  readonly #controller = new AbortController();
  readonly #speed = new SpeedMeter();
  readonly #activity: ActivityWatch;
  #status: DownloadStatus;
  readonly #done: Promise<CachedModel>;
  /** Whether the download continues when no request waits for it. */
  #inBackground = false;

  constructor(options: ModelDownloadOptions) {
    this.#options = options;
    this.#activity = new ActivityWatch(options.limits.stallTimeoutMs);
    this.#status = {
      name: options.name,
      downloaded: 0,
      total: 0,
      status: 'downloading',
      startedAt: Math.floor(Date.now() / 1000),
      bytesPerSecond: 0,
    };
    this.#done = this.#run();
    // `join` reports the error to each request; in the background, it is part of the status.
    this.#done.catch(() => undefined);
  }

  get status(): DownloadStatus {
    return this.#status;
  }

  /** Whether {@link stop} was called. A new request then needs a new download. */
  get isStopping(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Waits for the model and reports progress. When the signal is aborted, the download continues for other requests.
   */
  async join(options: {
    signal?: AbortSignal | undefined;
    onProgress?: ProgressListener<DownloadStatus> | undefined;
  }): Promise<CachedModel> {
    const waiter: Waiter = { onProgress: options.onProgress };
    this.#waiters.add(waiter);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(options.signal?.reason);
    options.signal?.addEventListener('abort', abort, { once: true });
    if (options.signal?.aborted === true) abort();
    try {
      return await Promise.race([this.#done, aborted]);
    } finally {
      options.signal?.removeEventListener('abort', abort);
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0 && !this.#inBackground && options.signal?.aborted === true) {
        const { reason } = options.signal;
        const wasStopped = isHostError(reason, 'DOWNLOAD_PAUSED', 'DOWNLOAD_CANCELLED');
        this.stop(
          wasStopped
            ? reason
            : new HostError('ABORTED', 'The download stopped because the client disconnected. It can be resumed.'),
        );
        // After the caller's error, the model can be deleted or downloaded again.
        await this.settled();
      }
    }
  }

  /** Continues the download when no request waits for it. */
  keepInBackground(): void {
    this.#inBackground = true;
  }

  /** Stops the download. Waiting requests reject with `reason`, whose code determines whether the chunks are kept. */
  stop(reason: HostError): void {
    this.#controller.abort(reason);
  }

  /** Resolves when the download has ended, successfully or not, and writes nothing any more. */
  async settled(): Promise<void> {
    await this.#done.catch(() => undefined);
  }

  async #run(): Promise<CachedModel> {
    const { name, log } = this.#options;
    try {
      const model = await this.#fetch();
      this.#update({ downloaded: model.size, total: model.size, status: 'completed', bytesPerSecond: 0 });
      return model;
    } catch (error) {
      this.#update({ ...outcomeOf(error), bytesPerSecond: 0 });
      log.info('download.ended', { id: name.id, status: this.#status.status, error });
      throw error;
    }
  }

  /** Downloads the model if this process acquires its lock; until then, follows the process that holds it. */
  async #fetch(): Promise<CachedModel> {
    const { name, layout, index, find } = this.#options;
    for (;;) {
      this.#controller.signal.throwIfAborted();
      const lock = FileLock.try(layout.lockPath(name));
      try {
        const model = await find();
        if (model !== undefined) return model;
        if (lock !== undefined) {
          // The request may be for this download, or for the host that had the lock before.
          const request = await index.controlRequest(name.id);
          if (request !== undefined) throw stopReason(name, request);
          return await this.#lead();
        }
      } finally {
        lock?.release();
      }
      await this.#follow();
    }
  }

  /** Reports the progress of the host that holds the lock, and waits for one interval. */
  async #follow(): Promise<void> {
    const record = await this.#options.index.model(this.#options.name.id);
    if (record !== undefined) this.#update({ downloaded: record.downloaded, total: record.total });
    await new Promise<void>((resolve) => {
      const { signal } = this.#controller;
      const timer = setTimeout(end, SHARE_INTERVAL_MS);
      function end() {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      }
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** Downloads the model while this process holds the lock. Saves the outcome in the index before it is released. */
  async #lead(): Promise<CachedModel> {
    const { name, index, find, log } = this.#options;
    // Report the last known state until the hub has replied.
    const before = await index.model(name.id);
    if (before !== undefined) this.#update({ downloaded: before.downloaded, total: before.total });
    // From now on other hosts list the download and can stop it.
    await index.setModel(name.id, this.#record('downloading'));
    const stopSharing = this.#shareProgress();
    let files: FileDownload[] | undefined;
    try {
      files = await this.#prepare();
      this.#update({ downloaded: sum(files.map((file) => file.downloaded)) });
      await index.setModel(name.id, this.#record('downloading'));
      for (const file of files) await file.run(this.#controller.signal);
      await stopSharing();
    } catch (error) {
      await stopSharing();
      await this.#saveOutcome(error, files, before);
      throw error;
    }
    // The files are complete even if the index cannot be updated, for example on a full disk.
    await index
      .deleteModel(name.id)
      .catch((error: unknown) => log.warn('download.state-not-saved', { id: name.id, error }));
    const model = await find();
    if (model !== undefined) return model;
    throw new HostError(
      'CACHE_ERROR',
      `The files of ${name.id} were removed right after they were downloaded, possibly by another program. Download the model again.`,
      {
        details: { modelId: name.id },
      },
    );
  }

  /**
   * Requests the metadata of each file from the hub, checks the disk space, and restores the state of an earlier
   * download.
   */
  async #prepare(): Promise<FileDownload[]> {
    const { name, layout, index, limits, log, rateLimiter } = this.#options;
    const { signal } = this.#controller;
    const folder = new ModelFolder(layout, name);
    for (const file of shardFiles(name.file)) await assertOwnSpelling(layout.models, folder.pathOf(file));
    const hub = await this.#options.hub();
    const onPause = (pause: RetryPause | undefined) => {
      this.#activity.asking = pause;
      this.#progress(this.#status.downloaded);
    };
    this.#activity.asking = undefined;
    const remotes: RemoteFile[] = [];
    for (const files of inGroups(shardFiles(name.file), CONCURRENT_REQUESTS)) {
      remotes.push(...(await Promise.all(files.map((file) => hub.fileInfo(name, file, { signal, onPause })))));
    }
    this.#activity.connections = { connections: 0, pause: undefined };
    const files: FileDownload[] = remotes.map((remote) => {
      const key = fileKey(name, remote.file);
      return new FileDownload({
        remote,
        key,
        folder,
        hub,
        index,
        limits,
        log,
        rateLimiter,
        onProgress: () => this.#progress(sum(files.map((file) => file.downloaded))),
        onActivity: (activity) => {
          this.#activity.connections = activity;
        },
      });
    });
    this.#update({ total: sum(files.map((file) => file.size)) });
    await makeFolder(folder.partials);
    await this.#assertNoOtherSpelling(folder.partials);
    const missing = sum(await Promise.all(files.map((file) => file.missingSpace())));
    await this.#options.evictFor(missing);
    await assertSpace(folder.partials, missing);
    for (const file of files) await file.restore();
    return files;
  }

  /** Throws `NAME_CONFLICT` if there is a download whose name the disk does not distinguish from this one. */
  async #assertNoOtherSpelling(partials: string): Promise<void> {
    const { name, index } = this.#options;
    for await (const [id, { state }] of index.allModels()) {
      if (id === name.id || foldCase(id) !== foldCase(name.id) || state === 'cancelled') continue;
      if (await ignoresCase(partials)) throw nameConflict(name.id, id);
    }
  }

  /** Shares progress at intervals. The returned function ends this, and resolves when the last write has completed. */
  #shareProgress(): () => Promise<void> {
    let last: Promise<void> | undefined;
    const timer = setInterval(() => {
      last ??= this.#share().finally(() => {
        last = undefined;
      });
    }, SHARE_INTERVAL_MS);
    return async () => {
      clearInterval(timer);
      await last;
    };
  }

  /** Shares the progress with other hosts, and handles their control requests. */
  async #share(): Promise<void> {
    const { name, index, log } = this.#options;
    try {
      this.#progress(this.#status.downloaded);
      await index.setModel(name.id, this.#record('downloading'));
      const request = await index.controlRequest(name.id);
      if (request !== undefined) this.stop(stopReason(name, request));
    } catch (error) {
      // The download does not depend on this. A persistent error is reported when a chunk is recorded.
      log.warn('download.state-not-saved', { id: name.id, error });
    }
  }

  /**
   * Saves the outcome for other hosts and for the next start. Deletes a cancelled download. If a download failed before
   * its files were known, restores the previous state, because a mistyped name must not be listed as a download.
   */
  async #saveOutcome(
    error: unknown,
    files: readonly FileDownload[] | undefined,
    before: ModelRecord | undefined,
  ): Promise<void> {
    const { name, layout, index, log } = this.#options;
    const end = outcomeOf(error);
    this.#update(end);
    if (files !== undefined) this.#update({ downloaded: sum(files.map((file) => file.downloaded)) });
    try {
      if (end.status === 'cancelled') await deleteModel(layout, index, name);
      if (files === undefined && !isHostError(error, 'DOWNLOAD_PAUSED')) {
        const isGone = before === undefined || end.status === 'cancelled';
        await (isGone ? index.deleteModel(name.id) : index.setModel(name.id, before));
        return;
      }
      // ABORTED means that the last request ended or the host exits, not that a user stopped the download. Another host
      // that follows it then continues it.
      await index.setModel(name.id, this.#record(isHostError(error, 'ABORTED') ? 'downloading' : end.status));
    } catch (stateError) {
      // The disk may be full. The error of the download is more important.
      log.warn('download.state-not-saved', { id: name.id, error: stateError });
    }
  }

  #record(state: ModelRecord['state']): ModelRecord {
    const { downloaded, total, startedAt, error } = this.#status;
    return { state, downloaded, total, startedAt, ...defined({ error: error && { ...error } }) };
  }

  #progress(downloaded: number): void {
    this.#speed.record(downloaded);
    this.#activity.record(downloaded);
    this.#update({ downloaded, bytesPerSecond: this.#speed.bytesPerSecond, activity: this.#activity.current });
  }

  #update(change: Partial<DownloadStatus>): void {
    const { activity, ...status } = { ...this.#status, ...change };
    this.#status = { ...status, ...(status.status === 'downloading' ? defined({ activity }) : {}) };
    for (const { onProgress } of this.#waiters) onProgress?.(this.#status);
  }
}

/** Returns the error for requests that wait for a download when a user stops it. */
export function stopReason(name: Pick<ModelName, 'id'>, request: ControlRequest): HostError {
  return request === 'pause'
    ? new HostError('DOWNLOAD_PAUSED', `The download of ${name.id} was paused.`, {
        details: { modelId: name.id },
      })
    : new HostError('DOWNLOAD_CANCELLED', `The download of ${name.id} was cancelled.`, {
        details: { modelId: name.id },
      });
}

/** Returns the status of a download that failed or was stopped. */
function outcomeOf(error: unknown): Pick<DownloadStatus, 'error'> & { status: 'paused' | 'failed' | 'cancelled' } {
  if (isHostError(error, 'DOWNLOAD_CANCELLED')) return { status: 'cancelled' };
  if (isHostError(error, 'DOWNLOAD_PAUSED', 'ABORTED')) return { status: 'paused' };
  const { code, message } = errorInfo(error);
  return { status: 'failed', error: { code, message } };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw cacheError(error, folder);
  }
}

function* inGroups<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
