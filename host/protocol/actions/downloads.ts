import * as v from 'valibot';
import { Bytes, modelNaming, pagedPayload, paging, UnixSeconds } from '../fields.ts';
import { LOCAL_SOURCES } from '../local-sources.ts';

export const DownloadModelRequest = v.looseObject(modelNaming);
export const DownloadModelPayload = v.object({
  repoId: v.string(),
  fileName: v.string(),
  size: Bytes,
  cached: v.literal(true),
  /** *Ours*: who holds the file and where, when that is not our cache; nothing was fetched then. */
  source: v.optional(v.picklist(LOCAL_SOURCES)),
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
