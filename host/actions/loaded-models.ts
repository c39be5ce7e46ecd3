import { defined } from '../common/defined.ts';
import type { HostError } from '../common/errors.ts';
import { invalidField, modelNotLoaded } from '../common/host-errors.ts';
import { sum } from '../common/sum.ts';
import { loadedEntry, placementOf } from '../models/describe-loaded.ts';
import type { FreedMemory, LoadedModel } from '../models/model-engine.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import { runningHosts } from '../presence/other-hosts.ts';
import * as declared from '../protocol/actions/loaded-models.ts';
import { readModelName, readModelQuery } from '../protocol/model-name.ts';
import { type AnyModelReference, isMatch, referenceText } from '../requests/reference.ts';
import type { Services } from '../services.ts';
import { type Call, handle } from './action.ts';
import { hasModelReference, namedModelId, namedRemoteModel } from './model-reference.ts';
import { page } from './paging.ts';

/** Returns the registry, and starts a runner: a client that asks about loaded models often loads one next. */
async function modelsOf({ services }: Call) {
  const [models, engine] = await Promise.all([services.models(), services.engine()]);
  engine.warm();
  return models;
}

export const unloadModel = handle(declared.unloadModel, async (request, { services }) => {
  const { targetRequestId } = request;
  const reference = hasModelReference(request) ? (namedRemoteModel(request) ?? readModelQuery(request)) : undefined;
  if (reference === undefined && targetRequestId === undefined) throw noModelNamed();
  const [cancelled] = await services.loadRequests.cancel({ reference, targetRequestId });
  const models = await services.models();
  const id =
    cancelled ??
    (reference === undefined ? `request ${targetRequestId}` : await loadedIdOf(reference, models, services));
  if (cancelled !== undefined && models.get(id) === undefined) {
    const none = { wasLoaded: false, ramFreed: 0, vramFreed: 0 };
    return { payload: { modelId: id, modelPath: id, ...none }, message: 'Loading cancelled' };
  }
  const freed =
    models.get(id) === undefined ? await unloadElsewhere(id, services) : await models.unload(id, { there: true });
  return { payload: { modelId: id, modelPath: id, wasLoaded: true, ...freed }, message: 'Model unloaded successfully' };
});

/** Has another host of the user unload a model. @throws HostError `MODEL_NOT_LOADED` if none has it loaded. */
async function unloadElsewhere(id: string, services: Services): Promise<FreedMemory> {
  const found = await (await services.peers()).find(id);
  if (found === undefined) throw modelNotLoaded(id);
  return found.unloadThere();
}

/**
 * Returns the id of the model that a reference names, among those of this host or else of the user's other hosts. If it
 * names none, returns the id or text of the reference.
 */
async function loadedIdOf(reference: AnyModelReference, models: ModelRegistry, services: Services): Promise<string> {
  if ('id' in reference) return reference.id;
  const local = models.list().flatMap(({ id, modelType }) => (modelType === 'remote' ? [] : [id]));
  const isNamed = (id: string) => isMatch(readModelName({ modelId: id }), reference);
  const own = local.filter(isNamed);
  const named = own.length > 0 ? own : (await (await services.peers()).modelIds()).filter(isNamed);
  if (named.length > 1) {
    throw invalidField('modelPath', `the file of one model, of ${named.join(', ')}`, referenceText(reference));
  }
  return named[0] ?? referenceText(reference);
}

function noModelNamed(): HostError {
  return invalidField('modelId', 'the id of a model, unless `targetRequestId` is given', undefined);
}

export const unloadAllModels = handle(declared.unloadAllModels, async (_request, { services }) => {
  await services.loadRequests.cancel();
  const unloadedModels = await (await services.models()).unloadAll();
  return {
    payload: { unloadedModels, count: unloadedModels.length },
    message: `Unloaded ${unloadedModels.length} models`,
  };
});

export const getLoadedModels = handle(declared.getLoadedModels, async (request, call) => {
  const { items, ...next } = page((await modelsOf(call)).list().map(loadedEntry), request);
  return { payload: { models: items, ...next } };
});

export const getModelState = handle(declared.getModelState, async (request, call) => {
  const models = await modelsOf(call);
  if (!hasModelReference(request)) {
    const active = models.activeId === null ? undefined : models.get(models.activeId);
    return {
      payload: {
        modelId: active?.id ?? null,
        isReady: active !== undefined,
        backend: active?.backend ?? null,
        modelPath: active?.id ?? null,
      },
    };
  }
  const id = namedModelId(request);
  const model = models.get(id);
  if (model === undefined) throw modelNotLoaded(id);
  return { payload: loadedEntry(model) };
});

export const getCurrentModel = handle(declared.getCurrentModel, async (_request, { services }) => {
  const { activeId } = await services.models();
  return { payload: { modelId: activeId, currentModel: activeId } };
});

export const setActiveModel = handle(declared.setActiveModel, async (request, { services }) => {
  const id = namedModelId(request);
  (await services.models()).setActive(id);
  return { payload: { modelId: id, currentModel: id }, message: `Active model: ${id}` };
});

const MiB = 1024 * 1024;

function mebibytes(bytes: number): number {
  return Math.round(bytes / MiB);
}

function countByBackend(models: readonly LoadedModel[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { backend } of models) counts[backend] = (counts[backend] ?? 0) + 1;
  return counts;
}

export const queryResources = handle(declared.queryResources, async (_request, { services }) => {
  const [hardware, registry] = await Promise.all([services.hardware(), services.models()]);
  const { memory, gpus } = await hardware.snapshot();
  const models = registry.list();
  const vram = sum(gpus.map((gpu) => gpu.totalVram));
  const availableVram = sum(gpus.map((gpu) => gpu.availableVram));
  const payload = {
    resources: {
      vram_total_mb: mebibytes(vram),
      vram_available_mb: mebibytes(availableVram),
      vram_used_mb: mebibytes(vram - availableVram),
      ram_total_mb: mebibytes(memory.total),
      ram_available_mb: mebibytes(memory.available),
      ram_used_mb: mebibytes(memory.total - memory.available),
    },
    allocations: Object.fromEntries(
      models.map(({ id, vramUsed, ramUsed, backend }) => [
        id,
        { modelId: id, vram_mb: mebibytes(vramUsed), ram_mb: mebibytes(ramUsed), backend },
      ]),
    ),
    loaded_models_count: models.length,
    by_backend: countByBackend(models),
  };
  return { payload };
});

export const listLoadedModels = handle(declared.listLoadedModels, async (_request, { services }) => {
  const registry = await services.models();
  const models = registry.list();
  const payload = {
    models: models.map((model) => ({
      ...placementOf(model),
      backend: model.backend,
      is_active: model.id === registry.activeId,
    })),
    total: models.length,
    active_model_id: registry.activeId,
    by_backend: countByBackend(models),
  };
  return { payload };
});

export const selectActiveModel = handle(declared.selectActiveModel, async (request, { services }) => {
  const id = namedModelId(request);
  const registry = await services.models();
  registry.setActive(id);
  const payload = { modelId: id, active_model_id: id, backend: registry.get(id)?.backend ?? '' };
  return { payload, message: `Active model set to: ${id}` };
});

export const listHosts = handle(declared.listHosts, async (request, { services }) => {
  const hosts = (await runningHosts(services.config.paths)).map(({ pid, program, version, startedAt, models }) => ({
    pid,
    ...defined({ program }),
    version,
    started_at: startedAt,
    models: models.map((model) => ({ ...model, modelId: model.model_id })),
  }));
  const { items, ...next } = page(hosts, request);
  return { payload: { hosts: items, ...next } };
});
