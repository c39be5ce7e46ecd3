import * as v from 'valibot';
import { Bytes, integer, modelNaming, pagedPayload, paging, UnixSeconds } from '../fields.ts';

/** Days after which PRUNE_CACHE takes a download for given up, where it is not told. */
export const DEFAULT_PARTIAL_DAYS = 30;

export const GetCacheStatsRequest = v.looseObject(paging);
export const GetCacheStatsPayload = v.object({
  /** Where models lie. */
  folder: v.string(),
  /** The one used longest ago first. */
  models: v.array(
    v.object({
      id: v.string(),
      repoId: v.string(),
      fileName: v.string(),
      size: Bytes,
      /** Of its last load; of its coming where it was never loaded. */
      lastUsed: UnixSeconds,
      pinned: v.boolean(),
      /** Some host has it loaded, or is downloading or mending it. */
      busy: v.boolean(),
    }),
  ),
  /** Downloads on their way, as many as fit; `id` is null where nobody knows whose they are. */
  partials: v.array(v.object({ id: v.nullable(v.string()), bytes: Bytes, modified: UnixSeconds })),
  modelCount: v.number(),
  modelBytes: Bytes,
  partialBytes: Bytes,
  totalBytes: Bytes,
  /** What the user allows; null without a limit. */
  limitBytes: v.nullable(Bytes),
  /** The volume it lies on; null where the system does not say. */
  disk: v.nullable(v.object({ total: Bytes, available: Bytes })),
  ...pagedPayload,
});

/** Largest limit a request may state, bytes: 1 PiB. */
const MAX_LIMIT = 2 ** 50;

export const PruneCacheRequest = v.looseObject({
  /** Only say what would go; nothing is removed unless this is `false`. */
  dryRun: v.optional(v.boolean(), true),
  /** Partial files not written to for so many days go. */
  partialDays: v.optional(integer(0, 36_500), DEFAULT_PARTIAL_DAYS),
  /** Partial files no download is known of go. */
  orphans: v.optional(v.boolean(), true),
  /** Models used longest ago go until the cache has so many bytes; the user's own limit where absent. */
  maxBytes: v.optional(integer(0, MAX_LIMIT)),
});

const PrunedEntry = v.object({
  kind: v.picklist(['partial', 'orphan', 'model']),
  id: v.nullable(v.string()),
  bytes: Bytes,
  /** Of a model its last use, of the others their last change. */
  lastUsed: UnixSeconds,
});

export const PruneCachePayload = v.object({
  dryRun: v.boolean(),
  /** What went, or would go; as many as fit the reply. */
  removed: v.array(PrunedEntry),
  removedCount: v.number(),
  /** Bytes that gives back. */
  freed: Bytes,
  /** Of those, what somebody took into use before it could be removed. */
  keptCount: v.number(),
});

export const PinModelRequest = v.looseObject(modelNaming);
export const PinModelPayload = v.object({ id: v.string(), pinned: v.boolean() });
