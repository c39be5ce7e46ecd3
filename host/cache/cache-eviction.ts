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
import type { DownloadIndex } from '../download/download-index.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { deleteModel } from './delete-model.ts';
import { type CacheLayout, modelKey } from './layout.ts';
import { bytesOf as bytesOfModel } from './model-folders.ts';
import type { ModelLeases } from './model-leases.ts';
import type { ModelListing } from './model-listing.ts';
import { Pins } from './pins.ts';
import { bytesOf, leastRecentlyUsed, type PruneItem, type PruneRequest, prunePlan } from './prune-plan.ts';
import { type CacheUsage, usageOf } from './usage.ts';

/** What house-keeping is made with. */
export interface CacheEvictionOptions {
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly listing: ModelListing;
  readonly uses: ModelLeases;
  /** Bytes the cache may have; infinite where the user set no limit. Asked each time. */
  readonly limit: () => Promise<number>;
  readonly log: Logger;
}

/** What was pruned, or would be. */
export interface Pruned {
  readonly removed: readonly PruneItem[];
  /** What somebody took into use before it could be removed. */
  readonly kept: readonly PruneItem[];
}

/** Says what the cache holds, and keeps it within what the user set. */
export class CacheEviction {
  readonly #parts: CacheEvictionOptions;
  readonly #pins: Pins;
  /** By model id: of a pin and an unpin that come together, the last one stays. */
  readonly #pinning = new KeyedQueue();

  constructor(parts: CacheEvictionOptions) {
    this.#parts = parts;
    this.#pins = new Pins(parts.layout);
  }

  usage(): Promise<CacheUsage> {
    return usageOf({ ...this.#parts, pins: this.#pins });
  }

  limit(): Promise<number> {
    return this.#parts.limit();
  }

  /** Says whether some host has the model loaded, or is downloading or mending it. */
  isBusy(name: ModelName): boolean {
    const { layout, uses } = this.#parts;
    return uses.has(name) || FileLock.isHeld(layout.usePath(name)) || FileLock.isHeld(layout.lockPath(name));
  }

  /** {@link isBusy} for many models: asks only about those that a lock file exists for. */
  async busyOnes(): Promise<(name: ModelName) => boolean> {
    const { layout, uses } = this.#parts;
    const locks = (await entriesOf(layout.locks)).map(({ name }) => name);
    const keys = new Set(locks.map((lock) => lock.slice(0, lock.lastIndexOf('.'))));
    return (name) => (keys.has(modelKey(name)) ? this.isBusy(name) : uses.has(name));
  }

  /** Keeps a model from being removed to make room. Throws `MODEL_NOT_DOWNLOADED`. */
  pin(name: ModelName): Promise<void> {
    return this.#pinning.run(name.id, async () => {
      if ((await bytesOfModel(this.#parts.layout, name)) === undefined) {
        throw modelNotDownloaded(name.id);
      }
      await this.#pins.pin(name);
    });
  }

  unpin(name: ModelName): Promise<void> {
    return this.#pinning.run(name.id, () => this.#pins.unpin(name));
  }

  /** Notes that a model was loaded just now. A disk that takes no note keeps nobody from loading. */
  async used(name: ModelName): Promise<void> {
    try {
      await this.#parts.index.setUsed(name.id, Date.now());
    } catch (error) {
      this.#parts.log.warn('cache.use-not-noted', { id: name.id, error });
    }
  }

  /** Says what would go, and unless it is a dry run, removes it. */
  async prune(wish: PruneRequest, { dryRun }: { dryRun: boolean }): Promise<Pruned> {
    const [usage, isBusy] = await Promise.all([this.usage(), this.busyOnes()]);
    const plan = prunePlan(usage, wish, { now: Date.now(), isBusy });
    if (dryRun) return { removed: plan, kept: [] };
    const [removed, kept]: [PruneItem[], PruneItem[]] = [[], []];
    for (const item of plan) ((await this.#remove(item)) ? removed : kept).push(item);
    this.#parts.log.info('cache.pruned', { removed: removed.length, kept: kept.length });
    return { removed, kept };
  }

  /**
   * Makes room within the limit for bytes that are to come, by removing the models used longest ago. Where that would
   * not do, nothing is removed.
   *
   * @param name The model that is to come.
   * @throws HostError `CACHE_LIMIT` with figures.
   */
  async makeRoom(name: ModelName, needed: number): Promise<void> {
    const limit = await this.#parts.limit();
    if (!Number.isFinite(limit) || needed === 0) return;
    const usage = await this.usage();
    const isBusy = (model: ModelName) => model.id === name.id || this.isBusy(model);
    const over = bytesOf(usage) + this.#toCome(usage, name) + needed - limit;
    const chosen = leastRecentlyUsed(usage.models, over, isBusy);
    const freed = sum(chosen.map(({ size }) => size));
    if (freed < over) throw tooLittle(name, { needed, limit, over, freed });
    let missing = over;
    for (const model of chosen) {
      if (await this.#remove({ kind: 'model', model, bytes: model.size })) missing -= model.size;
    }
    if (missing > 0) throw tooLittle(name, { needed, limit, over: missing, freed: 0 });
  }

  /** Bytes that other downloads under way still have to write. */
  #toCome({ downloads }: CacheUsage, name: ModelName): number {
    let bytes = 0;
    for (const [id, { state, total, downloaded }] of downloads) {
      const other = id === name.id || state !== 'downloading' ? undefined : modelNameOf(id);
      // Without its lock held it was killed, and writes nothing.
      if (other === undefined || !FileLock.isHeld(this.#parts.layout.lockPath(other))) continue;
      bytes += Math.max(0, total - downloaded);
    }
    return bytes;
  }

  /** Removes something, unless somebody took it into use meanwhile. */
  async #remove(item: PruneItem): Promise<boolean> {
    const { layout, log } = this.#parts;
    if (item.kind === 'orphan') {
      const { path } = item.partial;
      await removeFile(path).catch((error: unknown) => {
        throw cacheError(error, path);
      });
      return true;
    }
    const name = item.kind === 'model' ? item.model.name : item.partial.name;
    if (name === undefined) return false;
    const alone = this.#parts.uses.takeAlone(name);
    const lock = FileLock.try(layout.lockPath(name));
    try {
      if (alone === undefined || lock === undefined) return false;
      // Pinned, or completed, since the plan was made.
      if (item.kind === 'model' && (await this.#pins.all())(name)) return false;
      if (item.kind === 'partial' && (await bytesOfModel(layout, name)) !== undefined) return false;
      await deleteModel(layout, this.#parts.index, name);
      log.info('cache.removed', { id: name.id, kind: item.kind, bytes: item.bytes });
      return true;
    } finally {
      lock?.release();
      alone?.release();
    }
  }
}

function tooLittle(
  name: ModelName,
  { needed, limit, over, freed }: { needed: number; limit: number; over: number; freed: number },
): HostError {
  return new HostError(
    'CACHE_LIMIT',
    `${name.id} needs ${formatBytes(needed)} more, ${formatBytes(over - freed)} more than the limit of ${formatBytes(limit)} leaves, with every model removed that may be. Raise the limit, unpin or delete a model.`,
    { details: { modelId: name.id, needed, limit, missing: over - freed } },
  );
}
