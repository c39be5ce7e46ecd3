import { modelNotLoaded } from '../common/host-errors.ts';
import type { Actions, Call } from './action.ts';
import { hasModelReference, namedModelId } from './has-model-reference.ts';
import { loadedEntry } from './model-entry.ts';
import { page } from './paging.ts';

/** The registry of models. Starts a runner as well: a client that asks about loaded models often loads one next. */
async function modelsOf({ services }: Call) {
  const [models, engine] = await Promise.all([services.models(), services.engine()]);
  engine.warm();
  return models;
}

export const actions: Actions<
  | 'UNLOAD_MODEL'
  | 'UNLOAD_ALL_MODELS'
  | 'GET_LOADED_MODELS'
  | 'GET_MODEL_STATE'
  | 'GET_CURRENT_MODEL'
  | 'SET_ACTIVE_MODEL'
> = {
  async UNLOAD_MODEL(request, { services }) {
    const id = namedModelId(request);
    const freed = await (await services.models()).unload(id);
    return { payload: { modelPath: id, wasLoaded: true, ...freed }, message: 'Model unloaded successfully' };
  },

  async UNLOAD_ALL_MODELS(_request, { services }) {
    const unloadedModels = await (await services.models()).unloadAll();
    return {
      payload: { unloadedModels, count: unloadedModels.length },
      message: `Unloaded ${unloadedModels.length} models`,
    };
  },

  async GET_LOADED_MODELS(request, call) {
    const { items, ...next } = page((await modelsOf(call)).list().map(loadedEntry), request);
    return { payload: { models: items, ...next } };
  },

  async GET_MODEL_STATE(request, call) {
    const models = await modelsOf(call);
    if (!hasModelReference(request)) {
      const active = models.activeId === null ? undefined : models.get(models.activeId);
      return {
        payload: { isReady: active !== undefined, backend: active?.backend ?? null, modelPath: active?.id ?? null },
      };
    }
    const id = namedModelId(request);
    const model = models.get(id);
    if (model === undefined) throw modelNotLoaded(id);
    return { payload: loadedEntry(model) };
  },

  async GET_CURRENT_MODEL(_request, { services }) {
    return { payload: { currentModel: (await services.models()).activeId } };
  },

  async SET_ACTIVE_MODEL(request, { services }) {
    const id = namedModelId(request);
    (await services.models()).setActive(id);
    return { payload: { currentModel: id }, message: `Active model: ${id}` };
  },
};
