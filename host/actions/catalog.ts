import { entryFromName } from '../catalog/entry.ts';
import { unsupportedType } from '../catalog/model-type.ts';
import { MODEL_TYPES, type ModelType } from '../protocol/actions/catalog.ts';
import { invalidField } from '../protocol/parse-request.ts';
import type { Actions, Call } from './action.ts';
import { page } from './paging.ts';

/** The offered models, each with whether it is on the disk right now. */
async function available({ parts }: Call) {
  const [catalog, cache] = await Promise.all([parts.catalog(), parts.cache()]);
  const [entries, models] = await Promise.all([catalog.entries(), cache.list()]);
  const onDisk = new Set(models.map((model) => model.name.id));
  return entries.map((entry) => ({ ...entry, downloaded: onDisk.has(entry.id) }));
}

/** The type a request names, one this host runs. */
function readType(request: { modelType?: string | undefined; type?: string | undefined }): ModelType {
  const field = request.modelType === undefined && request.type !== undefined ? 'type' : 'modelType';
  const asked = request.modelType ?? request.type;
  const type = MODEL_TYPES.find((known) => known === asked?.toLowerCase());
  if (type === undefined) throw invalidField(field, `one of ${MODEL_TYPES.join(', ')}`, asked);
  if (type !== 'gguf' && type !== 'bitnet') throw unsupportedType(type);
  return type;
}

export const actions: Actions<
  'GET_AVAILABLE_MODELS' | 'GET_DOWNLOADED_MODELS' | 'GET_MODELS_BY_TYPE' | 'GET_DEFAULT_MODEL' | 'ADD_MODEL_TO_LIST'
> = {
  async GET_AVAILABLE_MODELS(request, call) {
    const { items, ...next } = page(await available(call), request);
    return { payload: { models: items, ...next } };
  },

  async GET_DOWNLOADED_MODELS(request, { parts }) {
    const [catalog, cache] = await Promise.all([parts.catalog(), parts.cache()]);
    const [entries, models] = await Promise.all([catalog.entries(), cache.list()]);
    const known = new Map(entries.map((entry) => [entry.id, entry]));
    const downloaded = models.map(({ name, size }) => ({
      ...(known.get(name.id) ?? entryFromName(name, 'disk', size)),
      downloaded: true,
      size,
    }));
    const { items, ...next } = page(downloaded, request);
    return { payload: { models: items, ...next } };
  },

  async GET_MODELS_BY_TYPE(request, call) {
    const modelType = readType(request);
    const models = (await available(call)).filter((entry) => entry.model_type === modelType);
    const { items, ...next } = page(models, request);
    return { payload: { modelType, models: items, ...next } };
  },

  async GET_DEFAULT_MODEL(request, call) {
    const modelType = readType(request);
    const entry = await (await call.parts.catalog()).defaultFor(modelType);
    const cache = await call.parts.cache();
    const found = entry === undefined ? undefined : (await cache.list()).some((model) => model.name.id === entry.id);
    return {
      payload: { modelType, defaultModel: entry === undefined ? null : { ...entry, downloaded: found === true } },
    };
  },

  async ADD_MODEL_TO_LIST(request, { parts }) {
    const [catalog, cache] = await Promise.all([parts.catalog(), parts.cache()]);
    const entry = await catalog.add(request.model);
    const downloaded = (await cache.list()).some((model) => model.name.id === entry.id);
    return { payload: { model: { ...entry, downloaded } }, message: `Added ${entry.name} to the list` };
  },
};
