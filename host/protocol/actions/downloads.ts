import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, DOWNLOAD_ERRORS, HUB_ERRORS } from '../errors.ts';
import { modelDownloadProgress } from '../events.ts';
import {
  bytes,
  downloadActivity,
  errorInfo,
  field,
  hubWarning,
  integer,
  modelId,
  modelReference,
  optional,
  pagedResponse,
  paging,
  percentage,
  requestId,
  unixSeconds,
  updateOf,
} from '../fields.ts';
import { FILE_KINDS } from '../file-kinds.ts';
import { MODEL_SOURCES } from '../model-sources.ts';
import { baseModel } from './catalog.ts';

/** Slowest and fastest speed limit, bytes per second: 1 KiB and 1 TiB. */
const MIN_SPEED = 2 ** 10;
const MAX_SPEED = 2 ** 40;

const download = {
  request: {
    ...modelReference,
    maxBytesPerSecond: optional(
      integer(MIN_SPEED, MAX_SPEED),
      'Extension: the speed limit of this download in bytes per second. A download that is already running keeps its limit.',
    ),
    update: optional(
      v.boolean(),
      'Extension: whether to download the file again if the Hugging Face Hub has a newer one. The new file replaces the old one when it is complete and verified. A loaded model keeps the old file until it is unloaded.',
    ),
  },
  response: v.object({
    modelId,
    repoId: field(v.string(), 'The repository.'),
    fileName: field(v.string(), 'The file; of a model split into several files, the first.'),
    size: field(bytes, 'The size of all files.'),
    cached: field(v.literal(true), 'Always true.'),
    source: optional(
      v.picklist(MODEL_SOURCES),
      'Extension: the program that has the files already; nothing was downloaded then.',
    ),
    path: optional(v.string(), "Extension: where that program's file is."),
    kind: optional(
      v.picklist(FILE_KINDS),
      'Extension: the kind of the file, as in `LIST_REPO_FILES`; absent for a `model`. A LoRA adapter is downloaded like a model, and used with `lora` of `LOAD_MODEL`.',
    ),
    baseModel,
    ...hubWarning,
  }),
  events: [modelDownloadProgress],
  errors: [
    ...DOWNLOAD_ERRORS,
    ...HUB_ERRORS,
    ...CACHE_ERRORS,
    'UNSUPPORTED_MODEL_TYPE',
    'MODEL_REJECTED',
    'INSUFFICIENT_MEMORY',
    'NOT_OURS',
  ],
} as const;

export const downloadModel = defineAction({
  name: 'DOWNLOAD_MODEL',
  summary:
    'Downloads all files of a model from the Hugging Face Hub and verifies them. Replies when the download is complete.',
  ...download,
});

export const pullModel = defineAction({
  name: 'PULL_MODEL',
  summary: 'Alias of `DOWNLOAD_MODEL`; its reply also has `model` at the top level.',
  ...download,
  topLevel: v.object({ model: field(v.string(), 'Alias of `payload.modelId`.') }),
});

const downloadStatus = v.object({
  modelId,
  repo_id: field(v.string(), 'The repository.'),
  file_path: field(v.string(), 'The file; of a model split into several files, the first.'),
  downloaded: field(bytes, 'Bytes on the disk.'),
  total: field(bytes, 'Bytes of all files; 0 while this is unknown.'),
  progress: field(percentage, 'The share that is done.'),
  status: field(
    v.picklist(['downloading', 'paused', 'completed', 'failed', 'cancelled']),
    'The state of the download.',
  ),
  started_at: field(unixSeconds, 'When it was started.'),
  ...downloadActivity,
  error: optional(errorInfo, 'Why it failed.'),
});

export const getDownloadStatus = defineAction({
  name: 'GET_DOWNLOAD_STATUS',
  summary: 'Returns the progress of a download.',
  request: modelReference,
  response: downloadStatus,
  errors: ['DOWNLOAD_NOT_FOUND', 'MODEL_NOT_DOWNLOADED', ...CACHE_ERRORS],
});

export const getActiveDownloads = defineAction({
  name: 'GET_ACTIVE_DOWNLOADS',
  summary: 'Lists running and paused downloads.',
  request: paging,
  response: v.object({
    downloads: field(v.array(v.object({ ...downloadStatus.entries, updateOf })), 'The downloads.'),
    ...pagedResponse,
  }),
  errors: CACHE_ERRORS,
});

const control = {
  request: modelReference,
  response: downloadStatus,
  errors: ['DOWNLOAD_NOT_FOUND', 'MODEL_NOT_DOWNLOADED', ...CACHE_ERRORS],
} as const;

const stop = {
  ...control,
  request: {
    ...modelReference,
    targetRequestId: optional(
      requestId,
      'Extension: the `requestId` of the request whose download to stop, in place of naming the model.',
    ),
  },
} as const;

export const cancelDownload = defineAction({
  name: 'CANCEL_DOWNLOAD',
  summary:
    'Cancels a download and deletes its partial files. `file_path` is empty if the file had not been chosen yet.',
  ...stop,
});

export const pauseDownload = defineAction({
  name: 'PAUSE_DOWNLOAD',
  summary: 'Pauses a download and keeps its partial files.',
  ...stop,
});

export const resumeDownload = defineAction({
  name: 'RESUME_DOWNLOAD',
  summary: 'Resumes a paused download.',
  ...control,
});

export const deleteModel = defineAction({
  name: 'DELETE_MODEL',
  summary: 'Deletes a model, or all models of a repository, from the cache.',
  request: modelReference,
  response: v.object({
    modelId: optional(v.string(), 'The id of the deleted model; absent where a whole repository was deleted.'),
    repoId: field(v.string(), 'The repository.'),
    freed: field(bytes, 'Freed disk space.'),
  }),
  errors: ['MODEL_NOT_DOWNLOADED', 'MODEL_IN_USE', 'NOT_OURS', ...CACHE_ERRORS],
});
