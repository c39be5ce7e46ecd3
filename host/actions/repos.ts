import { requestedModel } from '../catalog/choose-model.ts';
import type { RepoModel } from '../catalog/repo-models.ts';
import { defined } from '../common/defined.ts';
import { isHostError } from '../common/errors.ts';
import * as declared from '../protocol/actions/repos.ts';
import { estimatedSize } from '../protocol/estimated-size.ts';
import { type ModelName, type ModelQuery, readModelQuery } from '../protocol/model-name.ts';
import { handle } from './action.ts';
import { estimatesHere } from './estimates.ts';
import { askHub, LISTING_TIMEOUT_MS } from './hub-patience.ts';
import { hubWarning } from './hub-warning.ts';
import { pageOf } from './paging.ts';
import { fitsHere, modelsOf } from './resolve-name.ts';

/** Returns the model that a download by the same name chooses; null if it would fail. */
function choiceOf(
  models: readonly RepoModel[],
  query: ModelName | ModelQuery,
  fits: (size: number) => boolean,
): string | null {
  try {
    return requestedModel(models, query, fits).name.id;
  } catch (error) {
    if (isHostError(error)) return null;
    throw error;
  }
}

export const listRepoFiles = handle(declared.listRepoFiles, async (request, call) => {
  const repo = readModelQuery(request);
  const [models, fits, cache, estimate] = await Promise.all([
    modelsOf(repo, call),
    fitsHere(call),
    call.services.cache(),
    estimatesHere(call),
  ]);
  const { items, ...next } = pageOf(models, request, ({ name, quantization, size, ...rest }) => ({
    modelId: name.id,
    id: name.id,
    fileName: name.file,
    ...rest,
    quantization: quantization ?? null,
    size: size ?? null,
    fits: size === undefined ? null : fits(size),
    ...(size === undefined || rest.kind !== 'model'
      ? {}
      : { estimate: estimate({ name: name.id, size, quantization: quantization ?? '' }) }),
    downloaded: false,
    downloadedSize: null,
  }));
  const names = new Map(models.map(({ name }) => [name.id, name]));
  const files = await Promise.all(
    items.map(async (entry) => {
      const name = names.get(entry.id);
      const present = name === undefined ? undefined : await cache.find(name);
      return { ...entry, downloaded: present !== undefined, downloadedSize: present?.size ?? null };
    }),
  );
  const { repoId, revision } = repo;
  return {
    payload: {
      repoId,
      revision,
      files,
      choice: choiceOf(models, repo, fits),
      ...next,
      ...(await hubWarning(call.services)),
    },
  };
});

export const searchModels = handle(declared.searchModels, async ({ query, sort, limit, cursor }, call) => {
  const { services } = call;
  const hub = await services.hub();
  const ask = (signal: AbortSignal) => hub.search({ text: query, sort, limit, cursor }, { signal });
  const [found, estimate] = await Promise.all([askHub(call, LISTING_TIMEOUT_MS, ask), estimatesHere(call)]);
  const models = found.repos.map(({ downloads, likes, lastModified, tags, gguf, ...rest }) => ({
    ...rest,
    downloads: downloads ?? null,
    likes: likes ?? null,
    lastModified: lastModified ?? null,
    tags: [...tags],
    gguf: gguf ?? null,
    ...(gguf?.parameters === undefined
      ? {}
      : { estimate: estimate({ name: rest.repoId, size: estimatedSize(gguf.parameters), quantization: 'Q4_K_M' }) }),
  }));
  return { payload: { models, ...defined({ nextCursor: found.cursor }), ...(await hubWarning(services)) } };
});
