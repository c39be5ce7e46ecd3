import { mkdir } from 'node:fs/promises';
import { deleteModel } from '../cache/delete-model.ts';
import { type CacheLayout, fileKey } from '../cache/layout.ts';
import { ModelFolder } from '../cache/model-folder.ts';
import { assertOwnSpelling, foldCase, ignoresCase, nameConflict } from '../cache/spelling.ts';
import type { CachedModel, DownloadStatus } from '../cache/types.ts';
import { cacheError } from '../common/cache-errors.ts';
import { defined } from '../common/defined.ts';
import { assertSpace } from '../common/disk-space.ts';
import { errorInfo, HostError, isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { HostLimits } from '../config.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { ControlRequest, DownloadIndex, ModelRecord } from './download-index.ts';
import { FileDownload } from './file-download.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { SpeedMeter } from './speed-meter.ts';

/** How often a download lets other hosts know its progress and looks for what they ask of it, milliseconds. */
export const SHARE_INTERVAL_MS = 250;

/** Parts of a sharded model the hub is asked about at a time: a name can claim a thousand. */
const ASKED_AT_ONCE = 8;

/** What a download of a model is made with. */
export interface ModelDownloadOptions {
  readonly name: ModelName;
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly hub: () => Promise<HubClient>;
  readonly limits: HostLimits;
  readonly log: Logger;
  /** Shared by all downloads of the host. */
  readonly rateLimiter: RateLimiter;
  /** Asks the disk whether the model is there, whole. */
  readonly find: () => Promise<CachedModel | undefined>;
  /** Makes room within the user's limit for bytes that are to come. */
  readonly evictFor: (bytes: number) => Promise<void>;
}

/** Who waits for a download. */
interface Asker {
  readonly onProgress: ProgressListener<DownloadStatus> | undefined;
}

/**
 * The download of one model, all of its files, whoever asks for it: many askers, one download. It ends with the model,
 * with an error, or when nobody wants it any more; its chunks stay in any case but a cancel.
 */
export class ModelDownload {
  readonly #options: ModelDownloadOptions;
  readonly #askers = new Set<Asker>();
  readonly #controller = new AbortController();
  readonly #speed = new SpeedMeter();
  #status: DownloadStatus;
  readonly #done: Promise<CachedModel>;
  /** Goes on without an asker. */
  #inBackground = false;

  constructor(options: ModelDownloadOptions) {
    this.#options = options;
    this.#status = {
      name: options.name,
      downloaded: 0,
      total: 0,
      status: 'downloading',
      startedAt: Math.floor(Date.now() / 1000),
      bytesPerSecond: 0,
    };
    this.#done = this.#run();
    // Whoever asked hears of a failure; in the background it is in the status.
    this.#done.catch(() => undefined);
  }

  get status(): DownloadStatus {
    return this.#status;
  }

  /** True once it has been told to stop: a new asker needs a new download. */
  get isStopping(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Waits for the model, hearing of progress. An asker that gives up leaves the download to the others. */
  async join(options: {
    signal?: AbortSignal | undefined;
    onProgress?: ProgressListener<DownloadStatus> | undefined;
  }): Promise<CachedModel> {
    const asker: Asker = { onProgress: options.onProgress };
    this.#askers.add(asker);
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const leave = () => reject(options.signal?.reason);
    options.signal?.addEventListener('abort', leave, { once: true });
    if (options.signal?.aborted === true) leave();
    try {
      return await Promise.race([this.#done, gone]);
    } finally {
      options.signal?.removeEventListener('abort', leave);
      this.#askers.delete(asker);
      if (this.#askers.size === 0 && !this.#inBackground && options.signal?.aborted === true) {
        const { reason } = options.signal;
        const wasStopped = isHostError(reason, 'DOWNLOAD_PAUSED', 'DOWNLOAD_CANCELLED');
        this.stop(
          wasStopped
            ? reason
            : new HostError('ABORTED', 'The download stopped because the client disconnected. It can be resumed.'),
        );
      }
    }
  }

  /** Lets it go on though nobody waits. */
  keepInBackground(): void {
    this.#inBackground = true;
  }

  /** Stops it; askers hear `reason`. Whether the chunks stay is for whoever stops it to say. */
  stop(reason: HostError): void {
    this.#controller.abort(reason);
  }

  /** Resolves when nothing is written any more, whatever it came to. */
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
      this.#update({ ...endOf(error), bytesPerSecond: 0 });
      log.info('download.ended', { id: name.id, status: this.#status.status, error });
      throw error;
    }
  }

  /** Downloads, once this process has the model's lock; until then follows the one that has it. */
  async #fetch(): Promise<CachedModel> {
    const { name, layout, index, find } = this.#options;
    for (;;) {
      this.#controller.signal.throwIfAborted();
      const lock = FileLock.try(layout.lockPath(name));
      try {
        const model = await find();
        if (model !== undefined) return model;
        if (lock !== undefined) {
          // Asked of this download since it was started, or of the host that led it until now.
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

  /** Waits a little, reporting the progress of the host that has the lock. */
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

  /** Downloads, holding the lock. What it comes to is in the index before the lock is let go. */
  async #lead(): Promise<CachedModel> {
    const { name, index, find, log } = this.#options;
    // What is known of it, until the hub has answered.
    const before = await index.model(name.id);
    if (before !== undefined) this.#update({ downloaded: before.downloaded, total: before.total });
    // Other hosts list it, and can stop it, from now on.
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
      await this.#remember(error, files, before);
      throw error;
    }
    // The files are there: that the index cannot be told (the disk may be full by now) takes nothing from them.
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

  /** Asks the hub about every file, the disk whether there is room, and the index what there is of them. */
  async #prepare(): Promise<FileDownload[]> {
    const { name, layout, index, limits, log, rateLimiter } = this.#options;
    const { signal } = this.#controller;
    const folder = new ModelFolder(layout, name);
    for (const file of shardFiles(name.file)) await assertOwnSpelling(layout.models, folder.pathOf(file));
    const hub = await this.#options.hub();
    const remotes: RemoteFile[] = [];
    for (const files of inGroups(shardFiles(name.file), ASKED_AT_ONCE)) {
      remotes.push(...(await Promise.all(files.map((file) => hub.fileInfo(name, file, { signal })))));
    }
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

  /** Throws `NAME_CONFLICT` when a model whose name is one with this one's on the disk is on its way. */
  async #assertNoOtherSpelling(partials: string): Promise<void> {
    const { name, index } = this.#options;
    for await (const [id, { state }] of index.allModels()) {
      if (id === name.id || foldCase(id) !== foldCase(name.id) || state === 'cancelled') continue;
      if (await ignoresCase(partials)) throw nameConflict(name.id, id);
    }
  }

  /** Exchanges with other hosts from time to time. The result ends that, and resolves when nothing more is written. */
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

  /** Lets other hosts know the progress, and does what their users ask. */
  async #share(): Promise<void> {
    const { name, index, log } = this.#options;
    try {
      this.#progress(this.#status.downloaded);
      await index.setModel(name.id, this.#record('downloading'));
      const request = await index.controlRequest(name.id);
      if (request !== undefined) this.stop(stopReason(name, request));
    } catch (error) {
      // The download itself does not hang on this; a fault that matters comes up where chunks are entered.
      log.warn('download.state-not-saved', { id: name.id, error });
    }
  }

  /**
   * Keeps what it came to, for other hosts and for the next start. Of a cancelled download nothing else is kept, and one
   * that failed before its files were known leaves what was known before: a mistyped name is no download.
   */
  async #remember(
    error: unknown,
    files: readonly FileDownload[] | undefined,
    before: ModelRecord | undefined,
  ): Promise<void> {
    const { name, layout, index, log } = this.#options;
    const end = endOf(error);
    this.#update(end);
    if (files !== undefined) this.#update({ downloaded: sum(files.map((file) => file.downloaded)) });
    try {
      if (end.status === 'cancelled') await deleteModel(layout, index, name);
      if (files === undefined && !isHostError(error, 'DOWNLOAD_PAUSED')) {
        const isGone = before === undefined || end.status === 'cancelled';
        await (isGone ? index.deleteModel(name.id) : index.setModel(name.id, before));
        return;
      }
      // Nobody asked for a stop where the last asker left or the host ends: a host that follows goes on with it.
      await index.setModel(name.id, this.#record(isHostError(error, 'ABORTED') ? 'downloading' : end.status));
    } catch (fault) {
      // The disk may be full by now: the download's own error is the one to tell.
      log.warn('download.not-remembered', { id: name.id, error: fault });
    }
  }

  #record(state: ModelRecord['state']): ModelRecord {
    const { downloaded, total, startedAt, error } = this.#status;
    return { state, downloaded, total, startedAt, ...defined({ error: error && { ...error } }) };
  }

  #progress(downloaded: number): void {
    this.#speed.record(downloaded);
    this.#update({ downloaded, bytesPerSecond: this.#speed.bytesPerSecond });
  }

  #update(change: Partial<DownloadStatus>): void {
    this.#status = { ...this.#status, ...change };
    for (const { onProgress } of this.#askers) onProgress?.(this.#status);
  }
}

/** What askers of a download hear when a user stops it. */
export function stopReason(name: Pick<ModelName, 'id'>, request: ControlRequest): HostError {
  return request === 'pause'
    ? new HostError('DOWNLOAD_PAUSED', `The download of ${name.id} was paused.`, {
        details: { modelId: name.id },
      })
    : new HostError('DOWNLOAD_CANCELLED', `The download of ${name.id} was cancelled.`, {
        details: { modelId: name.id },
      });
}

/** What a download that did not bring its model is now. */
function endOf(error: unknown): Pick<DownloadStatus, 'error'> & { status: 'paused' | 'failed' | 'cancelled' } {
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
