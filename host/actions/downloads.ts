import { assertRunnable } from '../catalog/model-type.ts';
import { downloadNotFound } from '../common/host-errors.ts';
import { throttle } from '../common/progress.ts';
import { isExternalName } from '../external/external-id.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { readModelQuery } from '../protocol/model-name.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';
import type { Action, Actions, Call } from './action.ts';
import { assertNotExternal, deleteExternal } from './delete-external.ts';
import { downloadProgress, statusEntry } from './download-events.ts';
import { externalStatus, obtainModel } from './find-model.ts';
import { page } from './paging.ts';
import { knownName, resolveName } from './resolve-name.ts';

/** Fetches a model into the cache, telling the client how it goes. Joins a download that is under way. */
async function download(name: ModelName, maxBytesPerSecond: number | undefined, call: Call) {
  assertRunnable(name.file);
  const report = throttle((status: Parameters<typeof downloadProgress>[0]) =>
    call.emit('MODEL_DOWNLOAD_PROGRESS', downloadProgress(status)),
  );
  try {
    const { model, alreadyThere, external } = await obtainModel(name, call, { onProgress: report, maxBytesPerSecond });
    const payload = { repoId: name.repoId, fileName: name.file, size: model.size, cached: true as const };
    if (external !== undefined) {
      const path = external.files[0]?.path ?? '';
      const message = `Nothing to fetch: ${SOURCE_NAMES[external.source]} holds this model already (${path})`;
      return { message, payload: { ...payload, source: external.source, path } };
    }
    return { message: alreadyThere ? 'Model already downloaded' : 'Model downloaded successfully', payload };
  } finally {
    report.flush();
  }
}

/** CANCEL, PAUSE and RESUME differ in the cache's method alone. */
function control<A extends 'CANCEL_DOWNLOAD' | 'PAUSE_DOWNLOAD' | 'RESUME_DOWNLOAD'>(
  method: 'cancel' | 'pause' | 'resume',
): Action<A> {
  return async (request, call) => {
    const [cache, name] = await Promise.all([call.services.cache(), knownName(request, call)]);
    return { payload: statusEntry(await cache[method](name)) };
  };
}

export const actions: Actions<
  | 'DOWNLOAD_MODEL'
  | 'PULL_MODEL'
  | 'GET_DOWNLOAD_STATUS'
  | 'GET_ACTIVE_DOWNLOADS'
  | 'CANCEL_DOWNLOAD'
  | 'PAUSE_DOWNLOAD'
  | 'RESUME_DOWNLOAD'
  | 'DELETE_MODEL'
> = {
  async DOWNLOAD_MODEL(request, call) {
    return download(await resolveName(request, call), request.maxBytesPerSecond, call);
  },

  /** The original's other name for it; its reply names the model at the top level. */
  async PULL_MODEL(request, call) {
    const name = await resolveName(request, call);
    return { ...(await download(name, request.maxBytesPerSecond, call)), topLevel: { model: name.id } };
  },

  async GET_DOWNLOAD_STATUS(request, call) {
    const name = await knownName(request, call);
    const status = (await (await call.services.cache()).status(name)) ?? (await externalStatus(name, call));
    if (status === undefined) {
      throw downloadNotFound(name.id);
    }
    return { payload: statusEntry(status) };
  },

  async GET_ACTIVE_DOWNLOADS(request, { services }) {
    const { items, ...next } = page((await (await services.cache()).statuses()).map(statusEntry), request);
    return { payload: { downloads: items, ...next } };
  },

  CANCEL_DOWNLOAD: control('cancel'),
  PAUSE_DOWNLOAD: control('pause'),
  RESUME_DOWNLOAD: control('resume'),

  async DELETE_MODEL(request, call) {
    const query = readModelQuery(request);
    const name = 'quantization' in query ? await knownName(request, call) : query;
    if (isExternalName(name)) return deleteExternal(name, call);
    const cache = await call.services.cache();
    const { freed } = await cache.delete(name).catch(async (error: unknown) => {
      await assertNotExternal(name, error, call);
      throw error;
    });
    return { payload: { repoId: name.repoId, freed }, message: 'Model deleted' };
  },
};
