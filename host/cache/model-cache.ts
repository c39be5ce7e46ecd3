import { type DiskSpace, diskSpace } from '../common/disk-space.ts';
import { HostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { downloadNotFound, modelInUse, modelNotDownloaded } from '../common/host-errors.ts';
import { KeyedQueue } from '../common/keyed-queue.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { HostConfig } from '../config.ts';
import { type ControlRequest, DownloadIndex, type ModelRecord } from '../download/download-index.ts';
import { ModelDownload, stopReason } from '../download/model-download.ts';
import { RateLimiter } from '../download/rate-limiter.ts';
import { pause } from '../hub/retry.ts';
import type { HubClient } from '../hub/types.ts';
import { type ModelName, modelNameOf, type RepoName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { Store } from '../store/types.ts';
import { CacheEviction } from './cache-eviction.ts';
import { CacheVerifier } from './cache-verifier.ts';
import { deleteModel } from './delete-model.ts';
import { CacheLayout, fileKey } from './layout.ts';
import { assertOwn, bytesOf, findModel, listNames } from './model-folders.ts';
import { type ModelLease, ModelLeases } from './model-leases.ts';
import { ModelListing } from './model-listing.ts';
import type { CachedModel, DownloadResult, DownloadStatus } from './types.ts';

/** How long to wait for another host to stop its download, milliseconds: it looks every quarter of a second. */
const STOP_TIMEOUT_MS = 5_000;
/** How often to look whether it has, milliseconds. */
const STOP_LOOK_MS = 25;

/** What a cache is opened with. */
export interface CacheOptions {
  readonly config: Pick<HostConfig, 'paths' | 'limits'>;
  /** Made when something is to be fetched: what is on the disk needs no hub. */
  readonly hub: () => Promise<HubClient>;
  /** Or how to open it: then what is on the disk can be had even where the database cannot be opened. */
  readonly store: Store | (() => Promise<Store>);
  /** Bytes the cache may take; without end where there is none. */
  readonly limit?: () => Promise<number>;
  /** Called when the cache has been closed. */
  readonly onClose?: () => void;
  readonly log: Logger;
}

/** The models on this disk, and the downloads that bring more. The disk is the truth; the index may be lost. */
export class ModelCache {
  readonly #options: CacheOptions;
  readonly #layout: CacheLayout;
  readonly #index: DownloadIndex;
  readonly #uses: ModelLeases;
  readonly #listing: ModelListing;
  /** Checks and mends what is there. */
  readonly care: CacheVerifier;
  /** Says what it holds, and keeps it within its limit. */
  readonly keeping: CacheEviction;
  readonly #rateLimiter: RateLimiter;
  /** By model id: running ones, and those that ended in this host's time. */
  readonly #downloads = new Map<string, ModelDownload>();
  /** By model id: starts and stops take effect in the order in which they were asked for. */
  readonly #control = new KeyedQueue();

  private constructor(options: CacheOptions) {
    this.#options = options;
    this.#layout = new CacheLayout(options.config.paths);
    const { store, config, hub, log } = options;
    this.#rateLimiter = new RateLimiter(config.limits.maxBytesPerSecond);
    this.#index = new DownloadIndex(typeof store === 'function' ? store : async () => store);
    this.#uses = new ModelLeases(this.#layout, log);
    this.#listing = new ModelListing(this.#layout);
    const { limit = async () => Number.POSITIVE_INFINITY } = options;
    this.keeping = new CacheEviction({
      layout: this.#layout,
      index: this.#index,
      listing: this.#listing,
      uses: this.#uses,
      limit,
      log,
    });
    this.care = new CacheVerifier({
      config,
      layout: this.#layout,
      index: this.#index,
      uses: this.#uses,
      hub,
      rateLimiter: this.#rateLimiter,
      log,
    });
  }

  static async open(options: CacheOptions): Promise<ModelCache> {
    return new ModelCache(options);
  }

  /** The model, if it is whole on the disk. Asks neither the hub nor the index. */
  find(name: ModelName): Promise<CachedModel | undefined> {
    return findModel(this.#layout, name);
  }

  /** Every model on the disk, by id. */
  list(): Promise<readonly CachedModel[]> {
    return this.#listing.list();
  }

  /**
   * Fetches a model, or joins whoever is fetching it, here or in another host. On the disk already: answers at once.
   *
   * @param options.maxBytesPerSecond Keeps the download below this speed, where it is this one that begins it.
   * @throws HostError what the hub refuses with, `CHECKSUM_MISMATCH`, `DISK_FULL`, `CACHE_NOT_WRITABLE`,
   * `DOWNLOAD_PAUSED` or `DOWNLOAD_CANCELLED` when a user did that meanwhile; the signal's reason when aborted.
   */
  async download(
    name: ModelName,
    options: {
      signal?: AbortSignal | undefined;
      onProgress?: ProgressListener<DownloadStatus> | undefined;
      maxBytesPerSecond?: number | undefined;
    } = {},
  ): Promise<DownloadResult> {
    const started = await this.#control.run(name.id, async () => {
      options.signal?.throwIfAborted();
      return (await this.find(name)) ?? (await this.#start(name, options.maxBytesPerSecond));
    });
    if (!(started instanceof ModelDownload)) return { model: started, alreadyThere: true };
    return { model: await started.join(options), alreadyThere: false };
  }

  /** How a download stands: running, paused or failed, here or remembered; completed when the model is there. */
  async status(name: ModelName): Promise<DownloadStatus | undefined> {
    const present = await this.find(name);
    if (present !== undefined) return completed(present, this.#downloads.get(name.id)?.status);
    const own = this.#downloads.get(name.id)?.status;
    if (own?.status === 'downloading' && (await this.#goesOn(name))) return own;
    const record = await this.#index.model(name.id);
    const remembered = record && (await this.#fromRecords([[name, record]]))[0];
    if (remembered !== undefined) return withOwnError(remembered, own);
    // Of what was completed or paused nothing is left: it was deleted, or its partial file pruned.
    return own?.status === 'completed' || own?.status === 'paused' ? undefined : own;
  }

  /** Every download that is running, paused or failed, the ones other hosts do included. */
  async statuses(): Promise<DownloadStatus[]> {
    const statuses = new Map<string, DownloadStatus>();
    const known: [name: ModelName, record: ModelRecord][] = [];
    for await (const [id, record] of this.#index.allModels()) {
      const name = modelNameOf(id);
      if (name === undefined || record.state === 'cancelled' || (await this.find(name)) !== undefined) continue;
      known.push([name, record]);
    }
    for (const status of await this.#fromRecords(known)) {
      const { id } = status.name;
      statuses.set(id, withOwnError(status, this.#downloads.get(id)?.status));
    }
    for (const [id, { status }] of this.#downloads) {
      const isNews = status.status === 'failed' && !statuses.has(id) && (await this.find(status.name)) === undefined;
      const isRunning = status.status === 'downloading' && (await this.#goesOn(status.name));
      if (isRunning || isNews) statuses.set(id, status);
    }
    return [...statuses.values()].sort((a, b) => a.startedAt - b.startedAt);
  }

  /**
   * Stops a download, whichever host does it, and keeps its chunks.
   *
   * @param options.isStarting It was asked for, and had not started yet.
   */
  pause(name: ModelName, options: { isStarting?: boolean } = {}): Promise<DownloadStatus> {
    return this.#control.run(name.id, () => this.#stop(name, 'pause', options));
  }

  /** Stops a download, whichever host does it, and removes what came of it. `options` as for {@link pause}. */
  cancel(name: ModelName, options: { isStarting?: boolean } = {}): Promise<DownloadStatus> {
    return this.#control.run(name.id, () => this.#stop(name, 'cancel', options));
  }

  /** Goes on with a paused or failed download, whether anybody waits for it or not. */
  resume(name: ModelName): Promise<DownloadStatus> {
    return this.#control.run(name.id, async () => {
      const status = await this.#known(name);
      if (status.status === 'completed') return status;
      const download = await this.#start(name);
      download.keepInBackground();
      return { ...download.status, downloaded: status.downloaded, total: status.total };
    });
  }

  /**
   * Removes a model, or every model of a repository at a revision; those of which only some parts are there, too.
   *
   * @throws HostError `MODEL_IN_USE`, `MODEL_NOT_DOWNLOADED`, `NOT_OURS` for files of the user's in a linked folder:
   * then nothing is removed.
   */
  async delete(name: ModelName | RepoName): Promise<{ freed: number; deleted: string[] }> {
    const named = 'file' in name ? [name] : (await listNames(this.#layout)).filter((model) => isPartOf(model, name));
    const present = new Map<ModelName, number>();
    for (const model of named) {
      const bytes = await bytesOf(this.#layout, model);
      if (bytes !== undefined) present.set(model, bytes);
    }
    const unfinished = (await this.statuses()).filter(({ name: other }) => isPartOf(other, name));
    const busy = unfinished.filter(({ status }) => status === 'downloading').map((status) => status.name.id);
    if (busy.length > 0) throw modelInUse(busy);
    if (present.size === 0) throw modelNotDownloaded('file' in name ? name.id : name.repoId);
    for (const model of present.keys()) await assertOwn(this.#layout, this.#index, model);
    const alone = [...present.keys()].map((model) => ({ model, lock: this.#uses.takeAlone(model) }));
    try {
      const elsewhere = alone.filter(({ lock }) => lock === undefined).map(({ model }) => model.id);
      if (elsewhere.length > 0) throw modelInUse(elsewhere);
      for (const { model } of alone) {
        await deleteModel(this.#layout, this.#index, model);
        await this.keeping.unpin(model);
        this.#downloads.delete(model.id);
      }
    } finally {
      for (const { lock } of alone) lock?.release();
    }
    return {
      freed: sum(present.values()),
      deleted: [...present.keys()].map(({ id }) => id),
    };
  }

  /**
   * Takes a lease on a model's files: until it is released, no host on this machine deletes, repairs or moves them.
   *
   * @throws HostError `MODEL_IN_USE` while another host does just that.
   */
  lease(name: ModelName, signal: AbortSignal): Promise<ModelLease> {
    return this.#uses.take(name, signal);
  }

  /** Where the models lie. */
  get folder(): string {
    return this.#layout.models;
  }

  /** The volume the models lie on, or will lie on; null where the system does not say. */
  disk(): Promise<DiskSpace | null> {
    return diskSpace(this.#layout.models);
  }

  /** Stops every download; their chunks stay. */
  async close(): Promise<void> {
    const running = [...this.#downloads.values()];
    for (const download of running)
      download.stop(new HostError('ABORTED', 'The host is shutting down. The download can be resumed.'));
    await Promise.all(running.map((download) => download.settled()));
    this.#uses.close();
    this.#options.onClose?.();
  }

  /** The running download of a model, or a new one, whatever was asked of it before. */
  async #start(name: ModelName, maxBytesPerSecond?: number): Promise<ModelDownload> {
    await this.#index.clearControlRequest(name.id);
    return this.#running(name, maxBytesPerSecond);
  }

  /** Stops a download for {@link pause} or {@link cancel}. Returns how it stands once it has stopped. */
  async #stop(
    name: ModelName,
    request: ControlRequest,
    { isStarting = false }: { isStarting?: boolean },
  ): Promise<DownloadStatus> {
    const own = this.#active(name);
    const before = own?.status ?? (isStarting ? await this.#starting(name) : await this.#known(name));
    if (before.status === 'completed' || (request === 'pause' && before.status !== 'downloading')) return before;
    try {
      // For the host that does the download, and for those that wait for it.
      await this.#index.setControlRequest(name.id, request);
    } catch (error) {
      if (own === undefined) throw error;
      // A full disk does not keep this host from stopping its own.
      this.#options.log.warn('download.not-told', { id: name.id, error });
    }
    own?.stop(stopReason(name, request));
    await own?.settled();
    if (own?.status.status === 'completed') return own.status;
    const isSettled = await this.#settleStopped(request, own?.status ?? before);
    const after = await this.status(name);
    if (!isSettled || request === 'pause') return after ?? { ...before, status: 'cancelled', downloaded: 0 };
    if (after?.status === 'completed') return after;
    this.#downloads.delete(name.id);
    return { ...before, ...own?.status, status: 'cancelled', downloaded: 0, bytesPerSecond: 0 };
  }

  /**
   * Waits for the host that does a download to stop it, and does what it left undone if it was killed. Returns false
   * where it goes on: something else was asked of it since, or it does not answer in time.
   */
  async #settleStopped(request: ControlRequest, { name, total, startedAt }: DownloadStatus): Promise<boolean> {
    for (let waited = 0; waited <= STOP_TIMEOUT_MS; waited += STOP_LOOK_MS) {
      if ((await this.#index.controlRequest(name.id)) !== request) return false;
      const lock = FileLock.try(this.#layout.lockPath(name));
      if (lock === undefined) {
        await pause(STOP_LOOK_MS);
        continue;
      }
      try {
        // Whole by now: the host that did it was quicker.
        if ((await this.find(name)) !== undefined) return true;
        // Recorded here where the host that did it was killed or had not begun, so that every host says the same of it.
        const record = { downloaded: 0, total, startedAt };
        if (request === 'cancel') {
          await deleteModel(this.#layout, this.#index, name);
          await this.#index.setModel(name.id, { ...record, state: 'cancelled' });
        } else if ((await this.#index.model(name.id))?.state !== 'paused') {
          await this.#index.setModel(name.id, { ...record, state: 'paused' });
        }
        return true;
      } finally {
        lock.release();
      }
    }
    return false;
  }

  /** The running download of a model; a new one where there is none. */
  async #running(name: ModelName, maxBytesPerSecond?: number): Promise<ModelDownload> {
    for (let present = this.#downloads.get(name.id); present !== undefined; present = this.#downloads.get(name.id)) {
      if (present.status.status === 'downloading' && !present.isStopping) return present;
      await present.settled();
      if (this.#downloads.get(name.id) === present) this.#downloads.delete(name.id);
    }
    const { hub, log, config } = this.#options;
    const download = new ModelDownload({
      name,
      layout: this.#layout,
      index: this.#index,
      hub,
      limits: config.limits,
      log,
      rateLimiter: this.#rateLimiter.child(maxBytesPerSecond),
      find: () => this.find(name),
      makeRoom: (bytes) => this.keeping.makeRoom(name, bytes),
    });
    this.#downloads.set(name.id, download);
    return download;
  }

  /** Says whether a download of this host was not stopped by another one, which it hears of a moment later. */
  async #goesOn({ id }: ModelName): Promise<boolean> {
    return (await this.#index.controlRequest(id)) === undefined;
  }

  #active(name: ModelName): ModelDownload | undefined {
    const download = this.#downloads.get(name.id);
    return download?.status.status === 'downloading' ? download : undefined;
  }

  /** How a download stands that is about to start. */
  async #starting(name: ModelName): Promise<DownloadStatus> {
    const status = await this.status(name);
    if (status?.status === 'completed') return status;
    const startedAt = Math.floor(Date.now() / 1000);
    return { downloaded: 0, total: 0, startedAt, bytesPerSecond: 0, ...status, name, status: 'downloading' };
  }

  async #known(name: ModelName): Promise<DownloadStatus> {
    const status = await this.status(name);
    if (status !== undefined && status.status !== 'cancelled') return status;
    throw downloadNotFound(name.id);
  }

  /** What the index says of a download this host does not do. With its lock free, nobody does it: then its chunks count. */
  async #fromRecords(
    downloads: readonly (readonly [name: ModelName, record: ModelRecord])[],
  ): Promise<DownloadStatus[]> {
    const keys = downloads.map(([name]) =>
      FileLock.isHeld(this.#layout.lockPath(name)) ? [] : shardFiles(name.file).map((file) => fileKey(name, file)),
    );
    const stored = (await this.#index.storedBytesOf(keys.flat())).values();
    return downloads.map(([name, { state, downloaded, total, startedAt, error }], at) => {
      const base = { name, total, startedAt, bytesPerSecond: 0 };
      const files = keys[at] ?? [];
      if (files.length === 0) return { ...base, downloaded, status: 'downloading' };
      const found = { ...base, downloaded: files.reduce((sum) => sum + (stored.next().value ?? 0), 0) };
      if (state === 'failed' && error !== undefined) return { ...found, status: 'failed', error };
      return { ...found, status: state === 'downloading' || state === 'failed' ? 'paused' : state };
    });
  }
}

function isPartOf(model: ModelName, name: ModelName | RepoName): boolean {
  if ('file' in name) return model.id === name.id;
  return model.repoId === name.repoId && model.revision === name.revision;
}

/** A full disk may have kept the index from learning why a download ended; this host still knows. */
function withOwnError(remembered: DownloadStatus, own: DownloadStatus | undefined): DownloadStatus {
  if (remembered.status !== 'paused' || own?.status !== 'failed') return remembered;
  return { ...own, downloaded: remembered.downloaded };
}

function completed(model: CachedModel, own: DownloadStatus | undefined): DownloadStatus {
  const { name, size } = model;
  const startedAt = own?.startedAt ?? 0;
  return { name, downloaded: size, total: size, status: 'completed', startedAt, bytesPerSecond: 0 };
}
