import { sum } from '../common/sum.ts';
import type { CacheUsage, ModelUsage, PartialUsage } from './usage.ts';

/** A day, in milliseconds. */
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Minimum age of an orphan that may be removed, in milliseconds: if the index is lost during a download, the partial
 * file of that download looks like an orphan.
 */
const ORPHAN_AGE_MS = 60 * 60 * 1000;

/** Options for pruning. */
export interface PruneRequest {
  /** Minimum age of the partial files to remove, in days since the last write; undefined: remove none. */
  readonly partialDays: number | undefined;
  /** Whether to remove orphans: partial files that belong to no known download. */
  readonly orphans: boolean;
  /**
   * Maximum size of the cache after pruning, in bytes. The least recently used models are removed until it is reached.
   */
  readonly limit: number;
}

/** An item to remove, and the space that it frees. */
export type PruneItem =
  | { readonly kind: 'partial' | 'orphan'; readonly partial: PartialUsage; readonly bytes: number }
  | { readonly kind: 'model'; readonly model: ModelUsage; readonly bytes: number };

/**
 * Selects the items to remove. Items may come into use afterwards, so the caller must check each again before removing
 * it.
 *
 * @param isInUse Returns whether a model is loaded or being downloaded by any host.
 */
export function prunePlan(
  usage: CacheUsage,
  { partialDays, orphans, limit }: PruneRequest,
  { now, isInUse }: { now: number; isInUse: (model: ModelUsage['name']) => boolean },
): PruneItem[] {
  const items: PruneItem[] = [];
  for (const partial of usage.partials) {
    const age = now - partial.modified;
    const { bytes, name } = partial;
    if (name === undefined) {
      if (orphans && age >= ORPHAN_AGE_MS) items.push({ kind: 'orphan', partial, bytes });
    } else if (partialDays !== undefined && age >= partialDays * DAY_MS && !isInUse(name)) {
      items.push({ kind: 'partial', partial, bytes });
    }
  }
  const excess = usageBytes(usage) - sum(items.map(({ bytes }) => bytes)) - limit;
  const models = leastRecentlyUsed(usage.models, excess, isInUse);
  return [...items, ...models.map((model) => ({ kind: 'model' as const, model, bytes: model.size }))];
}

/**
 * Returns the least recently used models whose total size is at least `bytes`, or all removable models if that is not
 * enough.
 */
export function leastRecentlyUsed(
  models: readonly ModelUsage[],
  bytes: number,
  isInUse: (model: ModelUsage['name']) => boolean,
): ModelUsage[] {
  const chosen: ModelUsage[] = [];
  let missing = bytes;
  for (const model of models.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
    if (missing <= 0) break;
    if (model.pinned || !model.own || isInUse(model.name)) continue;
    chosen.push(model);
    missing -= model.size;
  }
  return chosen;
}

/** Returns the size of the cache in bytes, excluding the user's own files in linked folders. */
export function usageBytes({ models, partials }: Pick<CacheUsage, 'models' | 'partials'>): number {
  return sum(models.map(({ own, size }) => (own ? size : 0))) + sum(partials.map(({ bytes }) => bytes));
}
