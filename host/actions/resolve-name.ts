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
 * The model a request names: by its file; by a quantization in place of one (`owner/name:Q4_K_M`); or by its repository
 * alone. What is on the disk is taken before the hub is asked: for a repository alone, the one model of it that is there.
 *
 * @throws HostError `INVALID_REQUEST`, `FILE_NOT_FOUND`, `INSUFFICIENT_MEMORY`, and what the hub refuses with.
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
 * The model a request names, of those that are on the disk or on their way; the hub is not asked. Throws
 * `INVALID_REQUEST`, and `MODEL_NOT_DOWNLOADED` where what is named is none of them, or more than one.
 */
export async function knownName(request: ModelNaming, call: Call): Promise<ModelName> {
  const query = readModelQuery(request);
  if ('file' in query) return query;
  const { quantization, ...repo } = query;
  if (quantization === undefined) return readModelName(request);
  const cache = await call.services.cache();
  const here = await onDisk(repo, quantization, call);
  const onTheWay = (await cache.statuses()).map(({ name }) => name).filter((name) => isOf(name, repo, quantization));
  const [found, another] = here === undefined ? onTheWay : [here];
  if (found !== undefined && another === undefined) return found;
  const id = `${repo.repoId}:${quantization}`;
  throw new HostError('MODEL_NOT_DOWNLOADED', `${id} does not match exactly one downloaded model. Name the file.`, {
    details: { modelId: id, model: id },
  });
}

/** What a repository has to offer, as its hub lists it. */
export async function modelsOf(repo: RepoName, { services, signal }: Call): Promise<RepoModel[]> {
  return repoModels(repo, await (await services.hub()).repoFiles(repo, { signal }));
}

/** Says of a model of so many bytes whether this machine's free memory holds it. */
export async function fitsHere({ services }: Call): Promise<(size: number) => boolean> {
  const [hardware, { fitsSize }] = await Promise.all([services.hardware(), import('../hardware/fits-size.ts')]);
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
