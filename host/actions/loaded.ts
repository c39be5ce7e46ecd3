import { HostError } from '../errors.ts';
import { readModelName } from '../protocol/model-name.ts';
import type { Actions, Call } from './action.ts';
import { loadedEntry } from './model-entry.ts';
import { namesAModel } from './names-a-model.ts';
import { page } from './paging.ts';

/** The engine, with a runner on its way: who asks about loaded models is about to load one. */
async function engineOf({ parts }: Call) {
  const engine = await parts.engine();
  engine.warm();
  return engine;
}

export const actions: Actions<
  | 'UNLOAD_MODEL'
  | 'UNLOAD_ALL_MODELS'
  | 'GET_LOADED_MODELS'
  | 'GET_MODEL_STATE'
  | 'GET_CURRENT_MODEL'
  | 'SET_ACTIVE_MODEL'
> = {
  async UNLOAD_MODEL(request, { parts }) {
    const { id } = readModelName(request);
    const freed = await (await parts.engine()).unload(id);
    return { payload: { modelPath: id, wasLoaded: true, ...freed }, message: 'Model unloaded successfully' };
  },

  async UNLOAD_ALL_MODELS(_request, { parts }) {
    const unloadedModels = await (await parts.engine()).unloadAll();
    return {
      payload: { unloadedModels, count: unloadedModels.length },
      message: `Unloaded ${unloadedModels.length} models`,
    };
  },

  async GET_LOADED_MODELS(request, call) {
    const { items, ...next } = page((await engineOf(call)).list().map(loadedEntry), request);
    return { payload: { models: items, ...next } };
  },

  async GET_MODEL_STATE(request, call) {
    const engine = await engineOf(call);
    if (!namesAModel(request)) {
      const active = engine.activeId === null ? undefined : engine.get(engine.activeId);
      return {
        payload: { isReady: active !== undefined, backend: active?.backend ?? null, modelPath: active?.id ?? null },
      };
    }
    const { id } = readModelName(request);
    const model = engine.get(id);
    if (model === undefined) {
      throw new HostError('MODEL_NOT_LOADED', `Model not loaded: ${id}`, { details: { modelId: id } });
    }
    return { payload: loadedEntry(model) };
  },

  async GET_CURRENT_MODEL(_request, { parts }) {
    return { payload: { currentModel: (await parts.engine()).activeId } };
  },

  async SET_ACTIVE_MODEL(request, { parts }) {
    const { id } = readModelName(request);
    (await parts.engine()).setActive(id);
    return { payload: { currentModel: id }, message: `Active model: ${id}` };
  },
};
