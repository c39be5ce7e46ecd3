import * as v from 'valibot';
import { Bytes, modelNaming } from '../fields.ts';

/** Most bad chunks a reply names of one file; `badChunkCount` has them all. */
export const MAX_NAMED_CHUNKS = 256;

/** Both name a model; with none named, every model in the cache is meant. */
export const VerifyModelRequest = v.looseObject(modelNaming);
export const RepairModelRequest = v.looseObject(modelNaming);

/** Gives up the checks and repairs of a model; with none named, all of this host's. */
export const CancelVerifyRequest = v.looseObject(modelNaming);
export const CancelVerifyPayload = v.object({ cancelled: v.number() });

/**
 * `good`: what the hub announced. `bad`, `missing`. `unchanged`: as an earlier check found it; `recorded`: seen for the
 * first time. Of the last two nobody knows what the hub would say: neither record nor hub was to be had.
 */
const CheckState = v.picklist(['good', 'bad', 'missing', 'unchanged', 'recorded']);

const CheckedFileEntry = v.object({
  /** Path in the repository. */
  fileName: v.string(),
  state: CheckState,
  /** What it was compared with: the index of its download, the hub just now, an earlier check, or nothing. */
  basis: v.picklist(['index', 'hub', 'firstCheck', 'nothing']),
  size: Bytes,
  /** Null where nobody knows. */
  expectedSize: v.nullable(Bytes),
  /** Chunks that are not what was recorded of them. None where chunks were never recorded: then all of it is fetched. */
  badChunks: v.array(v.object({ index: v.number(), offset: Bytes, length: Bytes })),
  badChunkCount: v.number(),
});

export const CheckedModelEntry = v.object({
  id: v.string(),
  repoId: v.string(),
  /** The worst of its files'. */
  state: CheckState,
  /** *REPAIR_MODEL*: it is good now, and so many bytes were fetched for that. */
  repaired: v.boolean(),
  fetched: Bytes,
  files: v.array(CheckedFileEntry),
  /** Why it could not be checked or mended: an error code and a sentence. */
  error: v.optional(v.object({ code: v.string(), message: v.string() })),
});

export const VerifyModelPayload = v.object({
  /** Those with something wrong first, as many as fit the reply. */
  models: v.array(CheckedModelEntry),
  /** Models that were checked. */
  checked: v.number(),
  /** Models of those that are bad, or could not be checked or mended. */
  bad: v.number(),
});
