import { defined } from '../common/defined.ts';
import { downloadNotFound } from '../common/host-errors.ts';
import { throttle } from '../common/progress.ts';
import { stopReason } from '../download/model-download.ts';
import { isExternalName } from '../external/external-id.ts';
import { KIND_NAMES } from '../gguf/kind.ts';
import type { DownloadStatus } from '../model-files/types.ts';
import * as declared from '../protocol/actions/downloads.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { type ModelName, readModelQuery } from '../protocol/model-name.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';
import { severalDownloads, type UnnamedDownload } from '../requests/download-requests.ts';
import { isMatch } from '../requests/reference.ts';
import { type Call, handle } from './action.ts';
import { assertNotExternal, deleteExternal } from './delete-external.ts';
import { externalStatus, type ObtainedModel, obtainModel } from './find-model.ts';
import type { WaitListener } from './hub-patience.ts';
import { hubWarning } from './hub-warning.ts';
import { hasModelReference } from './model-reference.ts';
import { page } from './paging.ts';
import { activityFields, percent, transferProgress, unnamedProgress } from './progress.ts';
import { knownName, resolveName } from './resolve-name.ts';
import { updateModel } from './updates.ts';

/** Downloads a model, or joins the download that is already running. */
async function download(
  name: ModelName,
  { maxBytesPerSecond, update }: RequestOf<'DOWNLOAD_MODEL'>,
  call: Call<'MODEL_DOWNLOAD_PROGRESS'>,
) {
  const report = throttle(({ name: of, downloaded: done, total, bytesPerSecond, status, activity }: DownloadStatus) => {
    const isComplete = status === 'completed';
    const progress = transferProgress({ name: of, done, total, bytesPerSecond, isComplete });
    call.emit('MODEL_DOWNLOAD_PROGRESS', { ...progress, ...activityFields(activity) });
  });
  try {
    const obtain: typeof updateModel = update === true ? updateModel : obtainModel;
    const obtained = await obtain(name, call, { onProgress: report, maxBytesPerSecond, mayBeAdapter: true });
    const { model, alreadyDownloaded, external, isReplaced, note } = obtained;
    const { kind, baseModel } = await factsOf(obtained, call);
    const payload = {
      modelId: name.id,
      repoId: name.repoId,
      fileName: name.file,
      size: model.size,
      cached: true as const,
      ...(alreadyDownloaded ? {} : await hubWarning(call.services)),
    };
    if (external !== undefined) {
      const path = external.files[0]?.path ?? '';
      const message = `Not downloaded because ${SOURCE_NAMES[external.source]} already has this model (${path})`;
      return { message, payload: { ...payload, source: external.source, path } };
    }
    if (isReplaced === true) return { message: 'Model updated', payload };
    const message = alreadyDownloaded ? 'Model already downloaded' : 'Model downloaded successfully';
    if (note !== undefined) return { message: `${message}. ${note.replace(/\.$/, '')}`, payload };
    if (kind === 'model') return { message, payload };
    return {
      message: `${message}. It seems to be ${KIND_NAMES[kind]}`,
      payload: { ...payload, kind, ...defined({ baseModel }) },
    };
  } finally {
    report.flush();
  }
}

/** Returns what was obtained: from its header before a download, or from the file. */
async function factsOf({ model, kind, baseModel }: ObtainedModel, { services }: Call) {
  if (kind !== undefined) return { kind, baseModel };
  const [facts] = await (await services.cache()).facts([model]);
  return facts ?? { kind: 'model' as const };
}

/** Resolves the model of a request and downloads it. A later request can stop it at any time. */
function start(request: RequestOf<'DOWNLOAD_MODEL'>, call: Call<'MODEL_DOWNLOAD_PROGRESS'>) {
  const reference = readModelQuery(request);
  const onWait: WaitListener = (activity) => call.emit('MODEL_DOWNLOAD_PROGRESS', unnamedProgress(reference, activity));
  return call.services.downloadRequests.start(
    reference,
    call,
    (stoppable) => resolveName(request, stoppable, onWait),
    (name, stoppable) => download(name, request, stoppable),
  );
}

export const downloadModel = handle(declared.downloadModel, start);

export const pullModel = handle(declared.pullModel, async (request, call) => {
  const reply = await start(request, call);
  return { ...reply, topLevel: { model: reply.payload.modelId } };
});

function statusEntry({ name, downloaded, total, status, startedAt, error, activity }: DownloadStatus) {
  return {
    modelId: name.id,
    repo_id: name.repoId,
    file_path: name.file,
    downloaded,
    total,
    progress: percent(downloaded, total, status === 'completed'),
    status,
    started_at: startedAt,
    ...activityFields(activity),
    ...defined({ error: error && { ...error } }),
  };
}

/**
 * Returns the download a request names. A repository or a quantization alone names the only download of it. A repository
 * and a file, all that clients of the original know, also name the only download of the file of another revision.
 */
async function downloadName(request: RequestOf<'PAUSE_DOWNLOAD'>, call: Call): Promise<ModelName> {
  const cache = await call.services.cache();
  const reference = readModelQuery(request);
  if (!('file' in reference)) {
    const downloads = (await cache.statuses()).map((download) => download.name);
    const [found, ...others] = downloads.filter((download) => isMatch(download, reference));
    if (others.length > 0) throw severalDownloads(reference, downloads);
    if (found !== undefined) return found;
  }
  const name = await knownName(request, call);
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
  const cache = await services.cache();
  const statuses = await cache.statuses();
  const replaced = statuses.length === 0 ? new Map<string, string>() : await cache.updates.replacedBy();
  const entries = statuses.map((status) => ({
    ...statusEntry(status),
    ...defined({ updateOf: replaced.get(status.name.id) }),
  }));
  const { items, ...next } = page(entries, request);
  return { payload: { downloads: items, ...next } };
});

async function stop(method: 'cancel' | 'pause', request: RequestOf<'PAUSE_DOWNLOAD'>, call: Call) {
  const { downloadRequests, cache } = call.services;
  const { targetRequestId } = request;
  const reference = targetRequestId !== undefined && !hasModelReference(request) ? undefined : readModelQuery(request);
  const status = await downloadRequests.stop({
    reference,
    targetRequestId,
    reason: (id) => stopReason({ id }, method),
    // A pause is recorded under the name of the model, which must be known.
    stopsUnnamed: method === 'cancel',
    find: () => downloadName(request, call),
    stop: async (name, isStarting) => (await cache())[method](name, { isStarting }),
  });
  return { payload: 'id' in status ? cancelledEntry(status) : statusEntry(status) };
}

/** The status of a download that was cancelled before its file was chosen. */
function cancelledEntry({ id, repoId }: UnnamedDownload) {
  const started_at = Math.floor(Date.now() / 1000);
  const entry = { modelId: id, repo_id: repoId, file_path: '', downloaded: 0, total: 0, progress: 0, started_at };
  return { ...entry, status: 'cancelled' as const };
}

export const cancelDownload = handle(declared.cancelDownload, (request, call) => stop('cancel', request, call));
export const pauseDownload = handle(declared.pauseDownload, (request, call) => stop('pause', request, call));

export const resumeDownload = handle(declared.resumeDownload, async (request, call) => {
  const { downloadRequests, cache } = call.services;
  const resume = async () => (await cache()).resume(await downloadName(request, call));
  return { payload: statusEntry(await downloadRequests.inOrder(readModelQuery(request), resume)) };
});

export const deleteModel = handle(declared.deleteModel, async (request, call) => {
  const query = readModelQuery(request);
  const name = 'quantization' in query ? await knownName(request, call) : query;
  if (isExternalName(name)) return deleteExternal(name, call);
  const cache = await call.services.cache();
  const { freed } = await cache.delete(name).catch(async (error: unknown) => {
    await assertNotExternal(name, error, call);
    throw error;
  });
  await (await call.services.states()).sweep();
  const modelId = 'file' in name ? name.id : undefined;
  return { payload: { ...defined({ modelId }), repoId: name.repoId, freed }, message: 'Model deleted' };
});
