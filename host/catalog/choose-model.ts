import { HostError } from '../common/errors.ts';
import { formatBytes } from '../common/format.ts';
import { invalidField } from '../common/host-errors.ts';
import type { RepoModel } from './repo-models.ts';

/**
 * Where nobody names a quantization, the first of these that a repository has is where the choice begins: four bits a
 * weight, which lose little and run twice as fast as eight. llama.cpp begins with `Q4_K_M`, too.
 */
const FIRST_CHOICES: readonly string[] = ['Q4_K_M', 'UD-Q4_K_XL', 'Q4_K_S', 'IQ4_XS', 'IQ4_NL', 'Q4_0', 'MXFP4'];

/** Most names an error lists. */
const MAX_LISTED = 20;

/**
 * The model of a repository that has a quantization.
 *
 * @throws HostError `FILE_NOT_FOUND` where none has it, `INVALID_REQUEST` where several do; both name what there is.
 */
export function modelOfQuantization(models: readonly RepoModel[], repoId: string, quantization: string): RepoModel {
  const wanted = quantization.toUpperCase();
  const found = offered(models).filter((model) => model.quantization === wanted);
  if (found.length > 1) throw ambiguous(found);
  const [model] = found;
  if (model !== undefined) return model;
  const known = [...new Set(offered(models).flatMap((each) => each.quantization ?? []))].slice(0, MAX_LISTED);
  throw new HostError(
    'FILE_NOT_FOUND',
    `${repoId} has no model of the quantization ${quantization}. It has: ${known.join(', ') || 'none that its file names tell'}.`,
    { details: { repoId, quantization, available: known } },
  );
}

/**
 * The model to take where a request names the repository alone: `Q4_K_M` (or the nearest to it, see above) if it fits
 * this machine now, else the largest smaller one that does. Repositories without any of those begin at their largest.
 *
 * @param fits Says whether a model of so many bytes can be loaded here.
 * @throws HostError `FILE_NOT_FOUND` where there is no model, `INVALID_REQUEST` where there are several of the
 * quantization that would be taken, `INSUFFICIENT_MEMORY` where none fits.
 */
export function chooseModel(models: readonly RepoModel[], repoId: string, fits: (size: number) => boolean): RepoModel {
  const candidates = offered(models).toSorted((a, b) => (b.size ?? 0) - (a.size ?? 0));
  const [only, second] = candidates;
  if (only === undefined) {
    throw new HostError('FILE_NOT_FOUND', `${repoId} has no GGUF models. Search for a GGUF version of this model.`, {
      details: { repoId },
    });
  }
  if (second === undefined) return only;
  const first = FIRST_CHOICES.map((name) => candidates.find(({ quantization }) => quantization === name)).find(Boolean);
  const begin = first === undefined ? 0 : candidates.indexOf(first);
  const chosen = candidates.slice(begin).find(({ size }) => size !== undefined && fits(size));
  if (chosen === undefined) throw noneFits(repoId, candidates.at(-1)?.size ?? 0);
  const alike = candidates.filter(({ quantization }) => quantization === chosen.quantization);
  if (alike.length > 1) throw ambiguous(alike);
  return chosen;
}

/** Those that can be loaded by themselves and are whole. */
function offered(models: readonly RepoModel[]): RepoModel[] {
  return models.filter(({ kind, complete }) => kind === 'model' && complete);
}

function ambiguous(models: readonly RepoModel[]): HostError {
  const files = models.slice(0, MAX_LISTED).map(({ name }) => name.file);
  return invalidField('modelFile', `one of ${files.join(', ')}`, undefined);
}

function noneFits(repoId: string, smallest: number): HostError {
  return new HostError(
    'INSUFFICIENT_MEMORY',
    `No model of ${repoId} fits into the memory that is free here; the smallest that was looked at has ${formatBytes(smallest)}. Close something, or name a file or a quantization to have it all the same.`,
    { details: { repoId, smallest } },
  );
}
