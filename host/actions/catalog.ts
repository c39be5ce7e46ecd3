import { type CatalogModel, gigabytes } from '../catalog/entry.ts';
import { unsupportedType } from '../catalog/model-type.ts';
import { RECIPES } from '../catalog/recipes.ts';
import { defined } from '../common/defined.ts';
import { invalidField } from '../common/host-errors.ts';
import type { NewerFiles } from '../model-files/download-index.ts';
import type { DownloadStatus } from '../model-files/types.ts';
import * as declared from '../protocol/actions/catalog.ts';
import { MODEL_TYPES, type ModelType } from '../protocol/actions/catalog.ts';
import { readModelName } from '../protocol/model-name.ts';
import type { OfferedModel } from '../remote/offered-models.ts';
import { type Call, handle } from './action.ts';
import { estimatesHere } from './estimates.ts';
import { goneEntry, offeredEntry } from './external-entry.ts';
import { page, pageOf } from './paging.ts';
import { percent } from './progress.ts';

/** Returns the catalog, the models in the cache, and the models and adapters of other programs that the cache does not have. */
async function allModels({ services, signal }: Call) {
  const [catalog, cache, local] = await Promise.all([services.catalog(), services.cache(), services.external()]);
  const [entries, models, { models: external, missing }] = await Promise.all([
    catalog.entries(),
    cache.list(),
    local.list({ signal }),
  ]);
  const own = new Set(models.map((model) => model.name.id));
  const elsewhere = external.filter(({ offered }) => !own.has(offered.id));
  const others = elsewhere.filter(({ classification }) => classification.kind === 'model');
  const adapters = elsewhere.filter(({ classification }) => classification.kind === 'adapter');
  return { catalog, entries, models, others, adapters, gone: missing.filter(({ name }) => !own.has(name.id)) };
}

/** Returns the available models: those of the catalog, then others of other programs, then those of remote engines. */
async function available(call: Call) {
  const [{ entries, models, others, gone }, remote] = await Promise.all([allModels(call), remoteModels(call)]);
  const onDisk = new Set([...models.map((model) => model.name.id), ...others.map(({ offered }) => offered.id)]);
  const listed = new Set(entries.map((entry) => entry.id));
  return [
    ...entries.map((entry) => ({ ...entry, downloaded: onDisk.has(entry.id) })),
    ...others.filter(({ offered }) => !listed.has(offered.id)).map(offeredEntry),
    ...gone.filter(({ name }) => !listed.has(name.id)).map(goneEntry),
    ...remote,
  ].map(withModelId);
}

/** Adds the id under its protocol-wide name. */
function withModelId<T extends { readonly id: string }>(entry: T) {
  return { modelId: entry.id, ...entry };
}

/** Describes a model of a remote engine as lists of models do. */
function remoteEntry({ name, facts }: OfferedModel): CatalogModel & { downloaded: boolean } {
  const { id, engine, model } = name;
  return {
    id,
    name: model,
    repo_id: `remote/${engine}`,
    file_path: model,
    model_type: 'remote',
    size_gb: gigabytes(facts.size),
    tags: [],
    suggested: false,
    downloaded: true,
    description: `Provided by remote engine "${engine}"`,
    default_quant: '',
    source: 'remote',
    requires_token: false,
  };
}

async function remoteModels({ services }: Call) {
  return (await (await services.remote()).offered.list()).map(remoteEntry);
}

/** Returns the type a request names. Throws `UNSUPPORTED_MODEL_TYPE` for one that this host cannot run. */
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

export const getAvailableModels = handle(declared.getAvailableModels, async (request, call) => {
  const [models, estimate] = await Promise.all([available(call), estimatesHere(call)]);
  const { items, ...next } = pageOf(models, request, (entry) => {
    const { model_type: type, size_gb: gigabytes, name, default_quant: quantization } = entry;
    if (type === 'remote' || gigabytes === 0) return entry;
    return { ...entry, estimate: estimate({ name, size: gigabytes * 1e9, quantization }) };
  });
  return { payload: { models: items, ...next } };
});

/** Returns whether a download is unfinished: it runs, is paused or has failed. */
function isPartial(status: DownloadStatus): status is DownloadStatus & { status: 'downloading' | 'paused' | 'failed' } {
  return status.status === 'downloading' || status.status === 'paused' || status.status === 'failed';
}

function newerFields(newer: NewerFiles | undefined) {
  return newer && { size: newer.size, ...defined({ changedAt: newer.changedAt }) };
}

export const getDownloadedModels = handle(declared.getDownloadedModels, async (request, call) => {
  const { catalog, entries, models, others, adapters } = await allModels(call);
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  const cache = await call.services.cache();
  const facts = new Map((await cache.facts(models)).map((of, at) => [models[at]?.name.id, of]));
  const newer = await cache.updates.known();
  const unfinished = request.partial === true ? (await cache.statuses()).filter(isPartial) : [];
  const replaced = unfinished.length === 0 ? new Map<string, string>() : await cache.updates.replacedBy();
  const { items, ...next } = pageOf([...models, ...others, ...adapters, ...unfinished], request, (model) => {
    if ('status' in model) {
      const { name, downloaded, total, status } = model;
      const progress = percent(downloaded, total, false);
      const partial = { status, downloaded, total, progress, ...defined({ updateOf: replaced.get(name.id) }) };
      const entry = known.get(name.id) ?? catalog.onDisk(name, total);
      return withModelId({ ...entry, downloaded: false, size: downloaded, partial });
    }
    if (!('offered' in model)) {
      const { name, size } = model;
      const entry = known.get(name.id) ?? catalog.onDisk(name, size);
      const { kind = 'model', baseModel } = facts.get(name.id) ?? {};
      const more = { newer: newerFields(newer.get(name.id)), kind: kind === 'model' ? undefined : kind, baseModel };
      return withModelId({ ...entry, downloaded: true, size, ...defined(more) });
    }
    const { source, size, path, ...entry } = offeredEntry(model);
    return withModelId({ ...(known.get(entry.id) ?? entry), downloaded: true, source, size, path });
  });
  return { payload: { models: items, ...next } };
});

export const getModelsByType = handle(declared.getModelsByType, async (request, call) => {
  if (asksForRemote(request)) {
    const { items, ...next } = page((await remoteModels(call)).map(withModelId), request);
    return { payload: { modelType: 'remote', models: items, ...next } };
  }
  const modelType = readType(request);
  const models = (await available(call)).filter((entry) => entry.model_type === modelType);
  const { items, ...next } = page(models, request);
  return { payload: { modelType, models: items, ...next } };
});

export const getDefaultModel = handle(declared.getDefaultModel, async (request, call) => {
  const modelType = readType(request);
  const entry = await (await call.services.catalog()).defaultFor(modelType);
  if (entry === undefined) return { payload: { modelType, defaultModel: null } };
  const { models, others } = await allModels(call);
  const downloaded =
    models.some(({ name }) => name.id === entry.id) || others.some(({ offered }) => offered.id === entry.id);
  return { payload: { modelType, defaultModel: withModelId({ ...entry, downloaded }) } };
});

export const addModelToList = handle(declared.addModelToList, async (request, { services }) => {
  const [catalog, cache] = await Promise.all([services.catalog(), services.cache()]);
  const entry = await catalog.add(request.model);
  const downloaded = (await cache.list()).some((model) => model.name.id === entry.id);
  return { payload: { model: withModelId({ ...entry, downloaded }) }, message: `Added ${entry.name} to the list` };
});

export const removeModelFromList = handle(declared.removeModelFromList, async (request, { services }) => {
  const { id } = readModelName(request);
  const removed = await (await services.catalog()).remove(id);
  const message = removed ? `Removed ${id} from the list` : `${id} had not been added to the list`;
  return { payload: { modelId: id, removed }, message };
});

export const getRecipes = handle(declared.getRecipes, async () => {
  const recipes = RECIPES.map((recipe) => ({ ...recipe, os_support: [...recipe.os_support] }));
  return { payload: { recipes, total: recipes.length } };
});

export const getRegisteredModels = handle(declared.getRegisteredModels, async (_request, { services }) => {
  const entries = await (await services.catalog()).entries();
  const models = Object.fromEntries(
    entries.map((entry) => [
      entry.id,
      {
        modelId: entry.id,
        name: entry.name,
        repo: entry.repo_id,
        type: entry.model_type,
        description: entry.description,
        size_gb: entry.size_gb,
        recommended: entry.suggested,
        variants: entry.default_quant === '' ? [] : [entry.default_quant],
      },
    ]),
  );
  return { payload: { models, total: entries.length } };
});
