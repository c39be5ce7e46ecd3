import { sum } from '../common/sum.ts';
import type { CacheUsage, ModelUsage, PartialUsage } from './usage.ts';

/** A day, milliseconds. */
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * An orphan younger than this is left alone, milliseconds: where the index was lost while a host was downloading, what
 * it writes looks like one.
 */
const ORPHAN_AGE_MS = 60 * 60 * 1000;

/** What is to go. */
export interface PruneRequest {
  /** Partial files nobody has written to for so many days; undefined: none. */
  readonly partialDays: number | undefined;
  /** Partial files that no download is known of. */
  readonly orphans: boolean;
  /** Bytes the cache may have in the end: the models used longest ago go until it has. */
  readonly limit: number;
}

/** Something that is to go, and why. */
export type PruneItem =
  | { readonly kind: 'partial' | 'orphan'; readonly partial: PartialUsage; readonly bytes: number }
  | { readonly kind: 'model'; readonly model: ModelUsage; readonly bytes: number };

/**
 * Says what is to go. Changes nothing, and may name what somebody just took into use: whoever carries it out looks again.
 *
 * @param isBusy Says whether a model is loaded or downloaded by anybody.
 */
export function prunePlan(
  usage: CacheUsage,
  { partialDays, orphans, limit }: PruneRequest,
  { now, isBusy }: { now: number; isBusy: (model: ModelUsage['name']) => boolean },
): PruneItem[] {
  const items: PruneItem[] = [];
  for (const partial of usage.partials) {
    const age = now - partial.modified;
    const { bytes, name } = partial;
    if (name === undefined) {
      if (orphans && age >= ORPHAN_AGE_MS) items.push({ kind: 'orphan', partial, bytes });
    } else if (partialDays !== undefined && age >= partialDays * DAY_MS && !isBusy(name)) {
      items.push({ kind: 'partial', partial, bytes });
    }
  }
  const over = bytesOf(usage) - sum(items.map(({ bytes }) => bytes)) - limit;
  const models = leastRecentlyUsed(usage.models, over, isBusy);
  return [...items, ...models.map((model) => ({ kind: 'model' as const, model, bytes: model.size }))];
}

/** The models used longest ago, as many as free `bytes`; all that may go where those are too few. */
export function leastRecentlyUsed(
  models: readonly ModelUsage[],
  bytes: number,
  isBusy: (model: ModelUsage['name']) => boolean,
): ModelUsage[] {
  const chosen: ModelUsage[] = [];
  let missing = bytes;
  for (const model of models.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
    if (missing <= 0) break;
    if (model.pinned || !model.own || isBusy(model.name)) continue;
    chosen.push(model);
    missing -= model.size;
  }
  return chosen;
}

/** Bytes the cache takes, without the user's own files in linked folders. */
export function bytesOf({ models, partials }: Pick<CacheUsage, 'models' | 'partials'>): number {
  return sum(models.map(({ own, size }) => (own ? size : 0))) + sum(partials.map(({ bytes }) => bytes));
}
