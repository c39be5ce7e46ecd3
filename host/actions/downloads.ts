import type { DownloadStatus } from '../cache/types.ts';
import { assertRunnable } from '../catalog/model-type.ts';
import { defined } from '../common/defined.ts';
import { downloadNotFound } from '../common/host-errors.ts';
import { throttle } from '../common/progress.ts';
import { isExternalName } from '../external/external-id.ts';
import * as declared from '../protocol/actions/downloads.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { type ModelName, readModelQuery } from '../protocol/model-name.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';
import { type Call, handle } from './action.ts';
import { assertNotExternal, deleteExternal } from './delete-external.ts';
import { externalStatus, obtainModel } from './find-model.ts';
import { page } from './paging.ts';
import { percent, transferProgress } from './progress.ts';
import { knownName, resolveName } from './resolve-name.ts';

/** Downloads a model, or joins the download that is already running. */
async function download(
  name: ModelName,
  { maxBytesPerSecond }: RequestOf<'DOWNLOAD_MODEL'>,
  call: Call<'MODEL_DOWNLOAD_PROGRESS'>,
) {
  assertRunnable(name.file);
  const report = throttle(({ downloaded: done, total, bytesPerSecond, status }: DownloadStatus) => {
    const isComplete = status === 'completed';
    call.emit('MODEL_DOWNLOAD_PROGRESS', transferProgress({ name, done, total, bytesPerSecond, isComplete }));
  });
  try {
    const { model, alreadyThere, external } = await obtainModel(name, call, { onProgress: report, maxBytesPerSecond });
    const payload = {
      modelId: name.id,
      repoId: name.repoId,
      fileName: name.file,
      size: model.size,
      cached: true as const,
    };
    if (external !== undefined) {
      const path = external.files[0]?.path ?? '';
      const message = `Not downloaded because ${SOURCE_NAMES[external.source]} already has this model (${path})`;
      return { message, payload: { ...payload, source: external.source, path } };
    }
    return { message: alreadyThere ? 'Model already downloaded' : 'Model downloaded successfully', payload };
  } finally {
    report.flush();
  }
}

export const downloadModel = handle(declared.downloadModel, async (request, call) =>
  download(await resolveName(request, call), request, call),
);

export const pullModel = handle(declared.pullModel, async (request, call) => {
  const name = await resolveName(request, call);
  return { ...(await download(name, request, call)), topLevel: { model: name.id } };
});

function statusEntry({ name, downloaded, total, status, startedAt, error }: DownloadStatus) {
  return {
    modelId: name.id,
    repo_id: name.repoId,
    file_path: name.file,
    downloaded,
    total,
    progress: percent(downloaded, total, status === 'completed'),
    status,
    started_at: startedAt,
    ...defined({ error: error && { ...error } }),
  };
}

/**
 * Returns the download a request names. Clients of the original know only the repository and the file of a download, so
 * these also name the one download of the file, of whichever revision, if there is none of `main`.
 */
async function downloadName(request: RequestOf<'PAUSE_DOWNLOAD'>, call: Call): Promise<ModelName> {
  const [cache, name] = await Promise.all([call.services.cache(), knownName(request, call)]);
  const hasFileField = (request.modelFile ?? request.fileName) !== undefined;
  if (!hasFileField || request.revision !== undefined || (await cache.status(name)) !== undefined) return name;
  const [only, another] = (await cache.statuses()).filter(
    (download) => download.name.repoId === name.repoId && download.name.file === name.file,
  );
  return only !== undefined && another === undefined ? only.name : name;
}

export const getDownloadStatus = handle(declared.getDownloadStatus, async (request, call) => {
  const name = await downloadName(request, call);
  const status = (await (await call.services.cache()).status(name)) ?? (await externalStatus(name, call));
  if (status === undefined) throw downloadNotFound(name.id);
  return { payload: statusEntry(status) };
});

export const getActiveDownloads = handle(declared.getActiveDownloads, async (request, { services }) => {
  const { items, ...next } = page((await (await services.cache()).statuses()).map(statusEntry), request);
  return { payload: { downloads: items, ...next } };
});

async function control(method: 'cancel' | 'pause' | 'resume', request: RequestOf<'PAUSE_DOWNLOAD'>, call: Call) {
  const [cache, name] = await Promise.all([call.services.cache(), downloadName(request, call)]);
  return { payload: statusEntry(await cache[method](name)) };
}

export const cancelDownload = handle(declared.cancelDownload, (request, call) => control('cancel', request, call));
export const pauseDownload = handle(declared.pauseDownload, (request, call) => control('pause', request, call));
export const resumeDownload = handle(declared.resumeDownload, (request, call) => control('resume', request, call));

export const deleteModel = handle(declared.deleteModel, async (request, call) => {
  const query = readModelQuery(request);
  const name = 'quantization' in query ? await knownName(request, call) : query;
  if (isExternalName(name)) return deleteExternal(name, call);
  const cache = await call.services.cache();
  const { freed } = await cache.delete(name).catch(async (error: unknown) => {
    await assertNotExternal(name, error, call);
    throw error;
  });
  const modelId = 'file' in name ? name.id : undefined;
  return { payload: { ...defined({ modelId }), repoId: name.repoId, freed }, message: 'Model deleted' };
});
