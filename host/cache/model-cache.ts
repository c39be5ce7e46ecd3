import { type DiskSpace, diskSpace } from '../common/disk-space.ts';
import { HostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { modelInUse, modelNotDownloaded } from '../common/host-errors.ts';
import { KeyedQueue } from '../common/keyed-queue.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { HostConfig } from '../config.ts';
import { ModelDownload, stopReason } from '../download/model-download.ts';
import { RateLimiter } from '../download/rate-limiter.ts';
import { pause } from '../hub/retry.ts';
import type { HubClient } from '../hub/types.ts';
import { deleteModel } from '../model-files/delete-model.ts';
import { type ControlRequest, DownloadIndex } from '../model-files/download-index.ts';
import { CacheLayout } from '../model-files/layout.ts';
import { assertOwn, findModel, listModelNames, modelBytes, partialBytes } from '../model-files/model-folders.ts';
import type { CachedModel, DownloadResult, DownloadStatus } from '../model-files/types.ts';
import { type ModelName, modelNameOf, type RepoName } from '../protocol/model-name.ts';
import type { Store } from '../store/types.ts';
import { CacheEviction } from './cache-eviction.ts';
import { CacheUpdates } from './cache-updates.ts';
import { CacheVerifier } from './cache-verifier.ts';
import { DownloadStatuses } from './download-statuses.ts';
import { type LocalFacts, LocalFactsReader } from './local-facts.ts';
import { type ModelLease, ModelLeases } from './model-leases.ts';
import { ModelListing } from './model-listing.ts';

/**
 * How long to wait for another host to stop its download, in milliseconds. Hosts check for such requests every 250 ms.
 */
const STOP_TIMEOUT_MS = 5_000;
/** Interval at which to check whether it has stopped, in milliseconds. */
const STOP_POLL_MS = 25;

/** Options for {@link ModelCache.open}. */
export interface CacheOptions {
  readonly config: Pick<HostConfig, 'paths' | 'limits'>;
  /** Creates the hub client. Called only when something must be fetched. */
  readonly hub: () => Promise<HubClient>;
  /**
   * The store, or a function that opens it: models on the disk can then be used even if the database cannot be opened.
   */
  readonly store: Store | (() => Promise<Store>);
  /** Returns the size limit of the cache in bytes. Default: unlimited. */
  readonly limit?: () => Promise<number>;
  /** Called when the cache has been closed. */
  readonly onClose?: () => void;
  readonly log: Logger;
}

/** The downloaded models and the downloads. The files on the disk are authoritative; the index may be lost. */
export class ModelCache {
  readonly #options: CacheOptions;
  readonly #layout: CacheLayout;
  readonly #index: DownloadIndex;
  readonly #leases: ModelLeases;
  readonly #listing: ModelListing;
  readonly #facts = new LocalFactsReader();
  /** Verifies and repairs models. */
  readonly verifier: CacheVerifier;
  /** Finds newer files on the hub, and replaces the old ones. */
  readonly updates: CacheUpdates;
  /** Reports what the cache contains and keeps it within its size limit. */
  readonly eviction: CacheEviction;
  readonly #rateLimiter: RateLimiter;
  /** Downloads of this host by model id, both running and ended. */
  readonly #downloads = new Map<string, ModelDownload>();
  readonly #statuses: DownloadStatuses;
  /** By model id: runs requests to start and stop a download in order. */
  readonly #control = new KeyedQueue();

  private constructor(options: CacheOptions) {
    this.#options = options;
    this.#layout = new CacheLayout(options.config.paths);
    const { store, config, hub, log } = options;
    this.#rateLimiter = new RateLimiter(config.limits.maxBytesPerSecond);
    this.#index = new DownloadIndex(typeof store === 'function' ? store : async () => store);
    this.#statuses = new DownloadStatuses(this.#layout, this.#index, this.#downloads);
    this.#leases = new ModelLeases(this.#layout, log);
    this.#listing = new ModelListing(this.#layout);
    const { limit = async () => Number.POSITIVE_INFINITY } = options;
    this.eviction = new CacheEviction({
      layout: this.#layout,
      index: this.#index,
      listing: this.#listing,
      leases: this.#leases,
      limit,
      log,
    });
    this.updates = new CacheUpdates({ layout: this.#layout, index: this.#index, leases: this.#leases, hub });
    this.verifier = new CacheVerifier({
      config,
      layout: this.#layout,
      index: this.#index,
      leases: this.#leases,
      hub,
      rateLimiter: this.#rateLimiter,
      log,
    });
  }

  static async open(options: CacheOptions): Promise<ModelCache> {
    return new ModelCache(options);
  }

  /** Returns the model if it is complete on the disk. Uses neither the hub nor the index. */
  find(name: ModelName): Promise<CachedModel | undefined> {
    return findModel(this.#layout, name);
  }

  /** Returns every model on the disk, sorted by id. */
  list(): Promise<readonly CachedModel[]> {
    return this.#listing.list();
  }

  /** Returns the kinds of models on the disk, in order, from the beginnings of their files. */
  facts(models: readonly CachedModel[]): Promise<LocalFacts[]> {
    return this.#facts.of(models);
  }

  /**
   * Downloads a model, or waits for its running download in this host or another one. Returns immediately if the model
   * is on the disk.
   *
   * @param options.maxBytesPerSecond Speed limit. Ignored if the download is already running.
   * @throws HostError the hub's error, `CHECKSUM_MISMATCH`, `DISK_FULL`, `CACHE_NOT_WRITABLE`, or `DOWNLOAD_PAUSED` or
   *   `DOWNLOAD_CANCELLED` if a user stopped it; the signal's reason when aborted.
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
    if (!(started instanceof ModelDownload)) return { model: started, alreadyDownloaded: true };
    return { model: await started.join(options), alreadyDownloaded: false };
  }

  /**
   * Returns the status of a download in this host, or as recorded in the index; `completed` if the model is on the
   * disk; undefined if there is no download.
   */
  status(name: ModelName): Promise<DownloadStatus | undefined> {
    return this.#statuses.of(name);
  }

  /** Returns every download that is running, paused or failed, including those of other hosts. */
  statuses(): Promise<DownloadStatus[]> {
    return this.#statuses.all();
  }

  /**
   * Stops a download in this host or another one, and keeps its chunks.
   *
   * @param options.isStarting Whether the download has been requested but has not started yet.
   */
  pause(name: ModelName, options: { isStarting?: boolean } = {}): Promise<DownloadStatus> {
    return this.#control.run(name.id, () => this.#stop(name, 'pause', options));
  }

  /** Stops a download in this host or another one, and removes its files. `options` as for {@link pause}. */
  cancel(name: ModelName, options: { isStarting?: boolean } = {}): Promise<DownloadStatus> {
    return this.#control.run(name.id, () => this.#stop(name, 'cancel', options));
  }

  /** Resumes a paused or failed download, which continues even if no caller waits for it. */
  resume(name: ModelName): Promise<DownloadStatus> {
    return this.#control.run(name.id, async () => {
      const status = await this.#statuses.existing(name);
      if (status.status === 'completed') return status;
      const download = await this.#start(name);
      download.keepInBackground();
      return { ...download.status, downloaded: status.downloaded, total: status.total };
    });
  }

  /**
   * Removes a model, or all models of a repository at a revision, including incomplete split models and the partial
   * files of unfinished downloads, those of newer files too.
   *
   * @throws HostError `MODEL_IN_USE`, `MODEL_NOT_DOWNLOADED`, `NOT_OURS` for the user's own files in a linked folder;
   *   nothing is removed then.
   */
  async delete(name: ModelName | RepoName): Promise<{ freed: number; deleted: string[] }> {
    const named =
      'file' in name ? [name] : (await listModelNames(this.#layout)).filter((model) => isPartOf(model, name));
    const present = new Map<ModelName, number>();
    for (const model of named) {
      const bytes = await modelBytes(this.#layout, model);
      if (bytes !== undefined) present.set(model, bytes);
    }
    const replaced = await this.updates.replacedBy();
    const isMeant = (other: ModelName) => {
      const model = modelNameOf(replaced.get(other.id) ?? other.id);
      return isPartOf(other, name) || (model !== undefined && isPartOf(model, name));
    };
    const unfinished = (await this.statuses()).filter(({ name: other }) => isMeant(other));
    const busy = unfinished.filter(({ status }) => status === 'downloading').map((status) => status.name.id);
    if (busy.length > 0) throw modelInUse(busy);
    for (const { name: model } of unfinished) {
      const known = [...present.keys()].find(({ id }) => id === model.id) ?? model;
      present.set(known, (present.get(known) ?? 0) + (await partialBytes(this.#layout, model)));
    }
    if (present.size === 0) throw modelNotDownloaded('file' in name ? name.id : name.repoId);
    for (const model of present.keys()) await assertOwn(this.#layout, this.#index, model);
    const locked: FileLock[] = [];
    try {
      const elsewhere: string[] = [];
      for (const model of present.keys()) {
        // The second one excludes downloads that start meanwhile.
        const locks = [this.#leases.takeExclusive(model), FileLock.try(this.#layout.lockPath(model))];
        locked.push(...locks.filter((lock) => lock !== undefined));
        if (locks.includes(undefined)) elsewhere.push(model.id);
      }
      if (elsewhere.length > 0) throw modelInUse(elsewhere);
      for (const model of present.keys()) {
        await deleteModel(this.#layout, this.#index, model);
        await this.eviction.unpin(model);
        this.#downloads.delete(model.id);
      }
    } finally {
      for (const lock of locked) lock.release();
    }
    return {
      freed: sum(present.values()),
      deleted: [...present.keys()].map(({ id }) => id),
    };
  }

  /**
   * Takes a lease on a model's files: until it is released, no host on this machine deletes, repairs or moves them.
   *
   * @throws HostError `MODEL_IN_USE` while another host deletes, repairs or moves them.
   */
  lease(name: ModelName, signal: AbortSignal): Promise<ModelLease> {
    return this.#leases.take(name, signal);
  }

  /** Folder that contains the models. */
  get folder(): string {
    return this.#layout.models;
  }

  /** Returns the space on the volume with the models; null if the system does not report it. */
  disk(): Promise<DiskSpace | null> {
    return diskSpace(this.#layout.models);
  }

  /** Stops all downloads and keeps their chunks. */
  async close(): Promise<void> {
    const running = [...this.#downloads.values()];
    for (const download of running)
      download.stop(new HostError('ABORTED', 'The host is shutting down. The download can be resumed.'));
    await Promise.all(running.map((download) => download.settled()));
    this.#leases.close();
    this.#options.onClose?.();
  }

  /** Starts a download, or returns the running one. Clears earlier requests to pause or cancel it. */
  async #start(name: ModelName, maxBytesPerSecond?: number): Promise<ModelDownload> {
    await this.#index.clearControlRequest(name.id);
    return this.#findOrCreateDownload(name, maxBytesPerSecond);
  }

  /** Implements {@link pause} and {@link cancel}. Returns the status after the download has stopped. */
  async #stop(
    name: ModelName,
    request: ControlRequest,
    { isStarting = false }: { isStarting?: boolean },
  ): Promise<DownloadStatus> {
    const own = this.#active(name);
    const before =
      own?.status ?? (isStarting ? await this.#statuses.beforeStart(name) : await this.#statuses.existing(name));
    if (before.status === 'completed' || (request === 'pause' && before.status !== 'downloading')) return before;
    try {
      // Informs the host that runs the download, and the hosts that wait for it.
      await this.#index.setControlRequest(name.id, request);
    } catch (error) {
      if (own === undefined) throw error;
      // This host can stop its own download even if the request cannot be saved, for example on a full disk.
      this.#options.log.warn('download.control-request-not-saved', { id: name.id, error });
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
   * Waits until the host that runs a download has stopped it, and completes the request if that host was killed.
   * Returns false if the download continues, because another request replaced this one or the host did not react in
   * time.
   */
  async #settleStopped(request: ControlRequest, { name, total, startedAt }: DownloadStatus): Promise<boolean> {
    for (let waited = 0; waited <= STOP_TIMEOUT_MS; waited += STOP_POLL_MS) {
      if ((await this.#index.controlRequest(name.id)) !== request) return false;
      const lock = FileLock.try(this.#layout.lockPath(name));
      if (lock === undefined) {
        await pause(STOP_POLL_MS);
        continue;
      }
      try {
        // The other host completed the download first.
        if ((await this.find(name)) !== undefined) return true;
        // The other host may have been killed, or may not have started yet. Recording the state here makes all hosts
        // report the same status.
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

  /** Returns the running download of a model, or starts one. */
  async #findOrCreateDownload(name: ModelName, maxBytesPerSecond?: number): Promise<ModelDownload> {
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
      evictFor: (bytes) => this.eviction.evictFor(name, bytes),
    });
    this.#downloads.set(name.id, download);
    return download;
  }

  #active(name: ModelName): ModelDownload | undefined {
    const download = this.#downloads.get(name.id);
    return download?.status.status === 'downloading' ? download : undefined;
  }
}

function isPartOf(model: ModelName, name: ModelName | RepoName): boolean {
  if ('file' in name) return model.id === name.id;
  return model.repoId === name.repoId && model.revision === name.revision;
}
