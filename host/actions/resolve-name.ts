import { matchQuantization, requestedModel } from '../catalog/choose-model.ts';
import { assertSupportedFile } from '../catalog/model-type.ts';
import { quantizationOf } from '../catalog/quantization-name.ts';
import { withReadKinds } from '../catalog/read-kinds.ts';
import { type RepoModel, repoModels } from '../catalog/repo-models.ts';
import { HostError } from '../common/errors.ts';
import type { Classification } from '../external/classification.ts';
import { repositoryIn } from '../external/external-id.ts';
import {
  isSameRepository,
  type ModelName,
  type ModelNaming,
  type ModelQuery,
  type RepoName,
  readModelName,
  readModelQuery,
} from '../protocol/model-name.ts';
import type { Call } from './action.ts';
import { askHub, askHubBriefly, askPatiently, LISTING_TIMEOUT_MS, type WaitListener } from './hub-patience.ts';

/**
 * Returns the model a request names: by its file, by a quantization (`owner/name:Q4_K_M`), or by its repository alone.
 * A model on this computer, including one of another program, is preferred to asking the hub; for a repository alone,
 * if it is the only one of the repository, or if the hub does not answer or refuses.
 *
 * @param onWait Receives what the request waits for: with it, the hub has as much time as for a download.
 * @throws HostError `INVALID_REQUEST`, `UNSUPPORTED_MODEL_TYPE`, `FILE_NOT_FOUND`, `INSUFFICIENT_MEMORY`, and the errors
 *   of the hub.
 */
export async function resolveName(request: ModelNaming, call: Call, onWait?: WaitListener): Promise<ModelName> {
  const query = readModelQuery(request);
  if ('file' in query) {
    assertSupportedFile(query);
    return query;
  }
  const here = await modelsHere(query, call);
  const [only, another] = here;
  if (only !== undefined && another === undefined) return only.name;
  const fits = await fitsHere(call);
  if (only === undefined) return requestedModel(await modelsOf(query, call, onWait), query, fits).name;
  const models = await askHubBriefly(call, (signal) => modelsOf(query, { ...call, signal }));
  return requestedModel(models ?? here, query, fits).name;
}

/**
 * Returns the model a request names without asking the hub: a quantization or a repository alone must match one model
 * that is downloaded or being downloaded.
 *
 * @param kind What the model is, for models of other programs.
 * @throws HostError `INVALID_REQUEST`, also if a repository alone matches no model, or more than one;
 *   `MODEL_NOT_DOWNLOADED` if a quantization does.
 */
export async function knownName(
  request: ModelNaming,
  call: Call,
  kind: 'model' | 'adapter' = 'model',
): Promise<ModelName> {
  const query = readModelQuery(request);
  if ('file' in query) return query;
  const { quantization, repoId } = query;
  const cache = await call.services.cache();
  const present = await modelsHere(query, call, kind);
  const downloading = matching(candidates((await cache.statuses()).map(({ name }) => ({ name }))), query);
  const [found, another] = present.length > 0 ? present : downloading;
  if (found !== undefined && another === undefined) return found.name;
  if (quantization === undefined) return readModelName(request);
  const id = `${repoId}:${quantization}`;
  throw new HostError('MODEL_NOT_DOWNLOADED', `${id} does not match exactly one downloaded model. Name the file.`, {
    details: { modelId: id, model: id },
  });
}

/** Returns the models of a repository: its files as the hub lists them, with their kinds according to their headers. */
export async function modelsOf(repo: RepoName, call: Call, onWait?: WaitListener): Promise<RepoModel[]> {
  const { services, signal } = call;
  const hub = await services.hub();
  const files =
    onWait === undefined
      ? await askHub(call, LISTING_TIMEOUT_MS, (limit) => hub.repoFiles(repo, { signal: limit }))
      : await askPatiently(call, onWait, (onPause) => hub.repoFiles(repo, { signal, onPause }));
  const kinds = await services.fileKinds();
  return withReadKinds(await repoModels(repo, files, signal), (some) => kinds.read(some, signal));
}

/** Returns a function that tests whether a model of a size in bytes fits in the free memory. */
export async function fitsHere({ services }: Call): Promise<(size: number) => boolean> {
  const [hardware, { fitsSize }] = await Promise.all([services.hardware(), import('../hardware/split.ts')]);
  const snapshot = await hardware.snapshot();
  return (size) => fitsSize(size, snapshot);
}

/** Returns the downloaded models that match a query or, if none does, those of other programs. */
async function modelsHere(
  query: ModelQuery,
  { services, signal }: Call,
  kind: 'model' | 'adapter' = 'model',
): Promise<RepoModel[]> {
  const own = matching(candidates(await (await services.cache()).list()), query);
  if (own.length > 0) return own;
  const { models } = await (await services.external()).list({ signal });
  const others = models.flatMap(({ classification, claimed, offered, size }) => {
    if (classification.kind !== kind) return [];
    // Ollama names models of the hub by their repository and quantization.
    const { repoId, tag } = repositoryIn(offered) ?? {};
    const name = claimed ?? offered;
    const quantization = tag ?? quantizationOf(name.file) ?? quantizationIn(classification);
    return [{ name, size, quantization, repoId: repoId ?? name.repoId }];
  });
  return matching(
    others.map((model) => ({ ...candidate(model), repoId: model.repoId })),
    query,
  );
}

function quantizationIn(classification: Classification): string | undefined {
  return classification.kind === 'model' ? classification.quantization : undefined;
}

function candidates(models: readonly { readonly name: ModelName; readonly size?: number }[]): RepoModel[] {
  return models.map(candidate);
}

function candidate(model: {
  readonly name: ModelName;
  readonly size?: number | undefined;
  readonly quantization?: string | undefined;
}): RepoModel {
  const { name, size, quantization = quantizationOf(name.file) } = model;
  return { name, kind: 'model', quantization, size, parts: 1, complete: true };
}

/** Returns the models that match a query: all those from which {@link requestedModel} would choose. */
function matching<T extends RepoModel & { readonly repoId?: string }>(models: readonly T[], query: ModelQuery): T[] {
  const ofRepo = models.filter(({ name, repoId }) =>
    isSameRepository({ ...name, repoId: repoId ?? name.repoId }, query),
  );
  const { quantization } = query;
  return quantization === undefined ? ofRepo : matchQuantization(ofRepo, quantization);
}
