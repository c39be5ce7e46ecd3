import { chooseModel, modelOfQuantization } from '../catalog/choose-model.ts';
import { quantizationOf } from '../catalog/quantization-name.ts';
import { type RepoModel, repoModels } from '../catalog/repo-models.ts';
import { HostError } from '../common/errors.ts';
import {
  type ModelName,
  type ModelNaming,
  type RepoName,
  readModelName,
  readModelQuery,
} from '../protocol/model-name.ts';
import type { Call } from './action.ts';

/**
 * Returns the model a request names: by its file, by a quantization (`owner/name:Q4_K_M`), or by its repository alone. A
 * downloaded model is preferred to asking the hub; for a repository alone, if exactly one model of it is downloaded.
 *
 * @throws HostError `INVALID_REQUEST`, `FILE_NOT_FOUND`, `INSUFFICIENT_MEMORY`, and the errors of the hub.
 */
export async function resolveName(request: ModelNaming, call: Call): Promise<ModelName> {
  const query = readModelQuery(request);
  if ('file' in query) return query;
  const { quantization, ...repo } = query;
  const here = await onDisk(repo, quantization, call);
  if (here !== undefined) return here;
  const models = await modelsOf(repo, call);
  return quantization === undefined
    ? chooseModel(models, repo.repoId, await fitsHere(call)).name
    : modelOfQuantization(models, repo.repoId, quantization).name;
}

/**
 * Returns the model a request names without asking the hub: a quantization or a repository alone must match one model
 * that is downloaded or being downloaded.
 *
 * @throws HostError `INVALID_REQUEST`, also if a repository alone matches no model, or more than one;
 *   `MODEL_NOT_DOWNLOADED` if a quantization does.
 */
export async function knownName(request: ModelNaming, call: Call): Promise<ModelName> {
  const query = readModelQuery(request);
  if ('file' in query) return query;
  const { quantization, ...repo } = query;
  const cache = await call.services.cache();
  const here = await onDisk(repo, quantization, call);
  const downloading = (await cache.statuses()).map(({ name }) => name).filter((name) => isOf(name, repo, quantization));
  const [found, another] = here === undefined ? downloading : [here];
  if (found !== undefined && another === undefined) return found;
  if (quantization === undefined) return readModelName(request);
  const id = `${repo.repoId}:${quantization}`;
  throw new HostError('MODEL_NOT_DOWNLOADED', `${id} does not match exactly one downloaded model. Name the file.`, {
    details: { modelId: id, model: id },
  });
}

/** Returns the models of a repository, as the hub lists its files. */
export async function modelsOf(repo: RepoName, { services, signal }: Call): Promise<RepoModel[]> {
  return repoModels(repo, await (await services.hub()).repoFiles(repo, { signal }), signal);
}

/** Returns a function that returns whether a model of a size in bytes fits in the free memory. */
export async function fitsHere({ services }: Call): Promise<(size: number) => boolean> {
  const [hardware, { fitsSize }] = await Promise.all([services.hardware(), import('../hardware/split.ts')]);
  const snapshot = await hardware.snapshot();
  return (size) => fitsSize(size, snapshot);
}

async function onDisk(
  repo: RepoName,
  quantization: string | undefined,
  { services }: Call,
): Promise<ModelName | undefined> {
  const models = (await (await services.cache()).list())
    .map(({ name }) => name)
    .filter((name) => isOf(name, repo, quantization));
  return models.length === 1 ? models[0] : undefined;
}

function isOf(name: ModelName, { repoId, revision }: RepoName, quantization: string | undefined): boolean {
  if (name.repoId !== repoId || name.revision !== revision) return false;
  return quantization === undefined || quantizationOf(name.file) === quantization.toUpperCase();
}
