import * as v from 'valibot';
import { Bytes, integer, modelNaming, pagedPayload, paging, UnixSeconds } from '../fields.ts';
import { MODEL_SOURCES } from '../model-sources.ts';

/** Slowest and fastest a request may ask for, bytes a second: 1 KiB and 1 TiB. */
const MIN_SPEED = 2 ** 10;
const MAX_SPEED = 2 ** 40;

export const DownloadModelRequest = v.looseObject({
  ...modelNaming,
  /** *Ours*: keeps this download below so many bytes a second. One that is under way keeps the speed it was begun with. */
  maxBytesPerSecond: v.optional(integer(MIN_SPEED, MAX_SPEED)),
});
export const DownloadModelPayload = v.object({
  repoId: v.string(),
  fileName: v.string(),
  size: Bytes,
  cached: v.literal(true),
  /** *Ours*: who holds the file and where, when that is not our cache; nothing was fetched then. */
  source: v.optional(v.picklist(MODEL_SOURCES)),
  path: v.optional(v.string()),
});

export const DownloadStatusEntry = v.object({
  repo_id: v.string(),
  file_path: v.string(),
  downloaded: Bytes,
  total: Bytes,
  /** 0 to 100. */
  progress: v.number(),
  status: v.picklist(['downloading', 'paused', 'completed', 'failed', 'cancelled']),
  started_at: UnixSeconds,
  /** Why it failed: an error code and a sentence. */
  error: v.optional(v.object({ code: v.string(), message: v.string() })),
});

export const GetDownloadStatusRequest = v.looseObject(modelNaming);
export const GetActiveDownloadsRequest = v.looseObject(paging);
export const GetActiveDownloadsPayload = v.object({ downloads: v.array(DownloadStatusEntry), ...pagedPayload });
/** CANCEL_DOWNLOAD, PAUSE_DOWNLOAD and RESUME_DOWNLOAD name a download and answer with its status. */
export const ControlDownloadRequest = v.looseObject(modelNaming);

export const DeleteModelRequest = v.looseObject(modelNaming);
export const DeleteModelPayload = v.object({ repoId: v.string(), freed: Bytes });
