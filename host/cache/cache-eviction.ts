import { cacheError } from '../common/cache-errors.ts';
import { HostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { removeFile } from '../common/files-in-use.ts';
import { entriesOf } from '../common/folder-entries.ts';
import { formatBytes } from '../common/format.ts';
import { modelNotDownloaded } from '../common/host-errors.ts';
import { KeyedQueue } from '../common/keyed-queue.ts';
import type { Logger } from '../common/log.ts';
import { sum } from '../common/sum.ts';
import { deleteModel } from '../model-files/delete-model.ts';
import type { DownloadIndex } from '../model-files/download-index.ts';
import { type CacheLayout, modelKey } from '../model-files/layout.ts';
import { modelBytes as bytesOfModel } from '../model-files/model-folders.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import type { ModelLeases } from './model-leases.ts';
import type { ModelListing } from './model-listing.ts';
import { Pins } from './pins.ts';
import { leastRecentlyUsed, type PruneItem, type PruneRequest, prunePlan, usageBytes } from './prune-plan.ts';
import { type CacheUsage, readUsage } from './usage.ts';

/** Options for {@link CacheEviction}. */
export interface CacheEvictionOptions {
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly listing: ModelListing;
  readonly leases: ModelLeases;
  /** Returns the size limit of the cache in bytes; infinity if the user has not set one. Not cached. */
  readonly limit: () => Promise<number>;
  readonly log: Logger;
}

/** The result of pruning, or of a dry run. */
export interface PruneResult {
  readonly removed: readonly PruneItem[];
  /** Items that were not removed, because they came into use after the plan was made. */
  readonly kept: readonly PruneItem[];
}

/** Reports what the cache contains and keeps it within the size limit. */
export class CacheEviction {
  readonly #options: CacheEvictionOptions;
  readonly #pins: Pins;
  /** By model id: serializes concurrent pins and unpins of a model. */
  readonly #pinning = new KeyedQueue();

  constructor(options: CacheEvictionOptions) {
    this.#options = options;
    this.#pins = new Pins(options.layout);
  }

  usage(): Promise<CacheUsage> {
    return readUsage({ ...this.#options, pins: this.#pins });
  }

  limit(): Promise<number> {
    return this.#options.limit();
  }

  /** Returns whether any host has the model loaded, or is downloading or repairing it. */
  isInUse(name: ModelName): boolean {
    const { layout, leases } = this.#options;
    return leases.has(name) || FileLock.isHeld(layout.usePath(name)) || FileLock.isHeld(layout.lockPath(name));
  }

  /** Returns {@link isInUse} for many models; checks locks only for models that have a lock file. */
  async inUseCheck(): Promise<(name: ModelName) => boolean> {
    const { layout, leases } = this.#options;
    const locks = (await entriesOf(layout.locks)).map(({ name }) => name);
    const keys = new Set(locks.map((lock) => lock.slice(0, lock.lastIndexOf('.'))));
    return (name) => (keys.has(modelKey(name)) ? this.isInUse(name) : leases.has(name));
  }

  /** Excludes a model from eviction. Throws `MODEL_NOT_DOWNLOADED`. */
  pin(name: ModelName): Promise<void> {
    return this.#pinning.run(name.id, async () => {
      if ((await bytesOfModel(this.#options.layout, name)) === undefined) {
        throw modelNotDownloaded(name.id);
      }
      await this.#pins.pin(name);
    });
  }

  unpin(name: ModelName): Promise<void> {
    return this.#pinning.run(name.id, () => this.#pins.unpin(name));
  }

  /** Saves the current time as the last use of a model. Logs a failure instead of throwing. */
  async recordUse(name: ModelName): Promise<void> {
    try {
      await this.#options.index.setUsed(name.id, Date.now());
    } catch (error) {
      this.#options.log.warn('cache.last-use-not-saved', { id: name.id, error });
    }
  }

  /** Selects the items to remove and, unless it is a dry run, removes them. */
  async prune(request: PruneRequest, { dryRun }: { dryRun: boolean }): Promise<PruneResult> {
    const [usage, isInUse] = await Promise.all([this.usage(), this.inUseCheck()]);
    const plan = prunePlan(usage, request, { now: Date.now(), isInUse });
    if (dryRun) return { removed: plan, kept: [] };
    const [removed, kept]: [PruneItem[], PruneItem[]] = [[], []];
    for (const item of plan) ((await this.#remove(item)) ? removed : kept).push(item);
    this.#options.log.info('cache.pruned', { removed: removed.length, kept: kept.length });
    return { removed, kept };
  }

  /**
   * Evicts the least recently used models until `needed` more bytes fit within the limit. Removes nothing if that would
   * not suffice.
   *
   * @param name The model that is about to be downloaded.
   * @throws HostError `CACHE_LIMIT` with the sizes.
   */
  async evictFor(name: ModelName, needed: number): Promise<void> {
    const limit = await this.#options.limit();
    if (!Number.isFinite(limit) || needed === 0) return;
    const usage = await this.usage();
    const isInUse = (model: ModelName) => model.id === name.id || this.isInUse(model);
    const excess = usageBytes(usage) + this.#remainingBytes(usage, name) + needed - limit;
    const chosen = leastRecentlyUsed(usage.models, excess, isInUse);
    const freed = sum(chosen.map(({ size }) => size));
    if (freed < excess) throw cacheLimitExceeded(name, { needed, limit, excess, freed });
    let missing = excess;
    for (const model of chosen) {
      if (await this.#remove({ kind: 'model', model, bytes: model.size })) missing -= model.size;
    }
    if (missing > 0) throw cacheLimitExceeded(name, { needed, limit, excess: missing, freed: 0 });
  }

  /** Returns the bytes that other running downloads still have to write. */
  #remainingBytes({ downloads }: CacheUsage, name: ModelName): number {
    let bytes = 0;
    for (const [id, { state, total, downloaded }] of downloads) {
      const other = id === name.id || state !== 'downloading' ? undefined : modelNameOf(id);
      // A free lock means that the process that downloaded the model has ended.
      if (other === undefined || !FileLock.isHeld(this.#options.layout.lockPath(other))) continue;
      bytes += Math.max(0, total - downloaded);
    }
    return bytes;
  }

  /** Removes an item and returns true, or returns false if it came into use after the plan was made. */
  async #remove(item: PruneItem): Promise<boolean> {
    const { layout, log } = this.#options;
    if (item.kind === 'orphan') {
      const { path } = item.partial;
      await removeFile(path).catch((error: unknown) => {
        throw cacheError(error, path);
      });
      return true;
    }
    const name = item.kind === 'model' ? item.model.name : item.partial.name;
    if (name === undefined) return false;
    const exclusive = this.#options.leases.takeExclusive(name);
    const lock = FileLock.try(layout.lockPath(name));
    try {
      if (exclusive === undefined || lock === undefined) return false;
      // The model may have been pinned, or the download completed, after the plan was made.
      if (item.kind === 'model' && (await this.#pins.all())(name)) return false;
      if (item.kind === 'partial' && (await bytesOfModel(layout, name)) !== undefined) return false;
      await deleteModel(layout, this.#options.index, name);
      log.info('cache.removed', { id: name.id, kind: item.kind, bytes: item.bytes });
      return true;
    } finally {
      lock?.release();
      exclusive?.release();
    }
  }
}

function cacheLimitExceeded(
  name: ModelName,
  { needed, limit, excess, freed }: { needed: number; limit: number; excess: number; freed: number },
): HostError {
  return new HostError(
    'CACHE_LIMIT',
    `${name.id} does not fit within the size limit of ${formatBytes(limit)}: it needs ${formatBytes(needed)}, and ${formatBytes(excess - freed)} of that cannot be freed automatically. Raise the limit, or unpin or delete a model.`,
    { details: { modelId: name.id, needed, limit, missing: excess - freed } },
  );
}
