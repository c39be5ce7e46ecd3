import { unsupportedType } from '../catalog/model-type.ts';
import { invalidField } from '../common/host-errors.ts';
import { MODEL_TYPES, type ModelType } from '../protocol/actions/catalog.ts';
import type { Actions, Call } from './action.ts';
import { goneEntry, offeredEntry } from './external-entry.ts';
import { page, pageOf } from './paging.ts';
import { remoteEntry } from './remote-entry.ts';

/** What the list and the disk have: our cache's models, and those of others that ours have not. */
async function everything({ services, signal }: Call) {
  const [catalog, cache, local] = await Promise.all([services.catalog(), services.cache(), services.external()]);
  const [entries, models, { models: held, gone }] = await Promise.all([
    catalog.entries(),
    cache.list(),
    local.list({ signal }),
  ]);
  const own = new Set(models.map((model) => model.name.id));
  const others = held.filter(({ offered, classification }) => classification.kind === 'model' && !own.has(offered.id));
  return { catalog, entries, models, others, gone: gone.filter(({ name }) => !own.has(name.id)) };
}

/**
 * The offered models, each with whether it is on the disk right now; behind them what else other programs hold, and what
 * engines elsewhere serve.
 */
async function available(call: Call) {
  const [{ entries, models, others, gone }, remote] = await Promise.all([everything(call), offeredElsewhere(call)]);
  const onDisk = new Set([...models.map((model) => model.name.id), ...others.map(({ offered }) => offered.id)]);
  const listed = new Set(entries.map((entry) => entry.id));
  return [
    ...entries.map((entry) => ({ ...entry, downloaded: onDisk.has(entry.id) })),
    ...others.filter(({ offered }) => !listed.has(offered.id)).map(offeredEntry),
    ...gone.filter(({ name }) => !listed.has(name.id)).map(goneEntry),
    ...remote,
  ];
}

async function offeredElsewhere({ services }: Call) {
  return (await (await services.remote()).offered.list()).map(remoteEntry);
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

function asksForRemote(request: { modelType?: string | undefined; type?: string | undefined }): boolean {
  return (request.modelType ?? request.type)?.toLowerCase() === 'remote';
}

export const actions: Actions<
  'GET_AVAILABLE_MODELS' | 'GET_DOWNLOADED_MODELS' | 'GET_MODELS_BY_TYPE' | 'GET_DEFAULT_MODEL' | 'ADD_MODEL_TO_LIST'
> = {
  async GET_AVAILABLE_MODELS(request, call) {
    const { items, ...next } = page(await available(call), request);
    return { payload: { models: items, ...next } };
  },

  async GET_DOWNLOADED_MODELS(request, call) {
    const { catalog, entries, models, others } = await everything(call);
    const known = new Map(entries.map((entry) => [entry.id, entry]));
    const { items, ...next } = pageOf([...models, ...others], request, (model) => {
      if (!('offered' in model)) {
        const { name, size } = model;
        return { ...(known.get(name.id) ?? catalog.onDisk(name, size)), downloaded: true, size };
      }
      const { source, size, path, ...entry } = offeredEntry(model);
      return { ...(known.get(entry.id) ?? entry), downloaded: true, source, size, path };
    });
    return { payload: { models: items, ...next } };
  },

  async GET_MODELS_BY_TYPE(request, call) {
    if (asksForRemote(request)) {
      const { items, ...next } = page(await offeredElsewhere(call), request);
      return { payload: { modelType: 'remote', models: items, ...next } };
    }
    const modelType = readType(request);
    const models = (await available(call)).filter((entry) => entry.model_type === modelType);
    const { items, ...next } = page(models, request);
    return { payload: { modelType, models: items, ...next } };
  },

  async GET_DEFAULT_MODEL(request, call) {
    const modelType = readType(request);
    const entry = await (await call.services.catalog()).defaultFor(modelType);
    if (entry === undefined) return { payload: { modelType, defaultModel: null } };
    const { models, others } = await everything(call);
    const downloaded =
      models.some(({ name }) => name.id === entry.id) || others.some(({ offered }) => offered.id === entry.id);
    return { payload: { modelType, defaultModel: { ...entry, downloaded } } };
  },

  async ADD_MODEL_TO_LIST(request, { services }) {
    const [catalog, cache] = await Promise.all([services.catalog(), services.cache()]);
    const entry = await catalog.add(request.model);
    const downloaded = (await cache.list()).some((model) => model.name.id === entry.id);
    return { payload: { model: { ...entry, downloaded } }, message: `Added ${entry.name} to the list` };
  },
};
