import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, HUB_ERRORS } from '../errors.ts';
import { modelDownloadProgress, modelVerifyProgress } from '../events.ts';
import { bytes, count, errorInfo, field, modelId, modelReference, nullable, optional, requestId } from '../fields.ts';

const verifyState = v.picklist(['good', 'bad', 'missing', 'unchanged', 'recorded']);

const verifiedFile = v.object({
  fileName: field(v.string(), 'The path of the file in the repository.'),
  state: field(
    verifyState,
    '`good`, `bad` or `missing`. Where neither the record of its download nor the Hugging Face Hub was available: `unchanged` since an earlier check, or `recorded` by this first one.',
  ),
  basis: field(
    v.picklist(['index', 'hub', 'firstCheck', 'nothing']),
    'What the file was compared with: the record of its download, the Hugging Face Hub, an earlier check, or nothing.',
  ),
  size: field(bytes, 'Its size on the disk.'),
  expectedSize: nullable(bytes, 'Its expected size; null where it is unknown.'),
  badChunks: field(
    v.array(
      v.object({
        index: field(count, 'The number of the chunk, from 0.'),
        offset: field(bytes, 'Where it starts in the file.'),
        length: field(bytes, 'Its length.'),
      }),
    ),
    'The damaged chunks, at most 256. Empty where no checksums of chunks were recorded: a repair then downloads the whole file.',
  ),
  badChunkCount: field(count, 'The number of damaged chunks.'),
});

const verifiedModel = v.object({
  modelId,
  id: field(v.string(), 'Alias of `modelId`.'),
  repoId: field(v.string(), 'The repository.'),
  state: field(verifyState, 'The worst state of its files.'),
  repaired: field(v.boolean(), 'Whether `REPAIR_MODEL` has repaired it.'),
  fetched: field(bytes, 'Bytes downloaded to repair it.'),
  files: field(v.array(verifiedFile), 'Its files.'),
  error: optional(errorInfo, 'Why it could not be verified or repaired.'),
});

const verification = {
  request: modelReference,
  response: v.object({
    models: field(v.array(verifiedModel), 'The models, damaged ones first, as many as fit in the reply.'),
    checked: field(count, 'The number of verified models.'),
    bad: field(count, 'The number of models that are damaged or could not be verified or repaired.'),
  }),
  events: [modelVerifyProgress, modelDownloadProgress],
  errors: [
    'NOT_OURS',
    'MODEL_NOT_DOWNLOADED',
    'MODEL_IN_USE',
    'CANCELLED',
    'CHECKSUM_MISMATCH',
    'REMOTE_CHANGED',
    'SIZE_MISMATCH',
    ...HUB_ERRORS,
    ...CACHE_ERRORS,
  ],
} as const;

export const verifyModel = defineAction({
  name: 'VERIFY_MODEL',
  summary: 'Verifies a model, or every model in the cache, against its checksums.',
  ...verification,
  events: [modelVerifyProgress],
});

export const repairModel = defineAction({
  name: 'REPAIR_MODEL',
  summary: 'Repairs a model, or every model in the cache, by downloading its damaged chunks again.',
  ...verification,
});

export const cancelVerify = defineAction({
  name: 'CANCEL_VERIFY',
  summary: 'Cancels a running verification or repair, or all of them if no model is given.',
  request: {
    ...modelReference,
    targetRequestId: optional(
      requestId,
      'Extension: the `requestId` of the `VERIFY_MODEL` or `REPAIR_MODEL` to cancel, instead of a model.',
    ),
  },
  response: v.object({ cancelled: field(count, 'The number of cancelled verifications and repairs.') }),
  errors: [],
});
