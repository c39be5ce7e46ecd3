import { HostError } from '../common/errors.ts';
import { formatBytes } from '../common/format.ts';
import { invalidField } from '../common/host-errors.ts';
import type { RepoModel } from './repo-models.ts';

/**
 * Quantizations that are preferred if none is requested: four bits per weight, which lose little quality and are twice
 * as fast as eight bits. llama.cpp prefers `Q4_K_M` too.
 */
const PREFERRED_QUANTIZATIONS: readonly string[] = [
  'Q4_K_M',
  'UD-Q4_K_XL',
  'Q4_K_S',
  'IQ4_XS',
  'IQ4_NL',
  'Q4_0',
  'MXFP4',
];

/** Most names in an error message. */
const MAX_LISTED = 20;

/**
 * Returns the model with a quantization in a repository.
 *
 * @throws HostError `FILE_NOT_FOUND` if there is none, `INVALID_REQUEST` if there are several; both list what is
 *   available.
 */
export function modelOfQuantization(models: readonly RepoModel[], repoId: string, quantization: string): RepoModel {
  const wanted = quantization.toUpperCase();
  const found = loadable(models).filter((model) => model.quantization === wanted);
  if (found.length > 1) throw ambiguous(found);
  const [model] = found;
  if (model !== undefined) return model;
  const known = [...new Set(loadable(models).flatMap((each) => each.quantization ?? []))].slice(0, MAX_LISTED);
  throw new HostError(
    'FILE_NOT_FOUND',
    `${repoId} has no ${quantization} quantization. Available: ${known.join(', ') || 'none recognized'}.`,
    { details: { repoId, quantization, available: known } },
  );
}

/**
 * Chooses a model if a request names only the repository: `Q4_K_M` (or another preferred quantization) if it fits now,
 * otherwise the largest smaller one that fits. Without any preferred quantization, the largest model that fits.
 *
 * @param fits Returns whether a model of a size in bytes can be loaded now.
 * @throws HostError `FILE_NOT_FOUND` if there is no model, `INVALID_REQUEST` if several have the chosen quantization,
 *   `INSUFFICIENT_MEMORY` if none fits.
 */
export function chooseModel(models: readonly RepoModel[], repoId: string, fits: (size: number) => boolean): RepoModel {
  const candidates = loadable(models).toSorted((a, b) => (b.size ?? 0) - (a.size ?? 0));
  const [only, second] = candidates;
  if (only === undefined) {
    throw new HostError('FILE_NOT_FOUND', `${repoId} has no GGUF models. Search for a GGUF version of this model.`, {
      details: { repoId },
    });
  }
  if (second === undefined) return only;
  const first = PREFERRED_QUANTIZATIONS.map((name) =>
    candidates.find(({ quantization }) => quantization === name),
  ).find(Boolean);
  const start = first === undefined ? 0 : candidates.indexOf(first);
  const chosen = candidates.slice(start).find(({ size }) => size !== undefined && fits(size));
  if (chosen === undefined) throw noneFits(repoId, candidates.at(-1)?.size ?? 0);
  const sameQuantization = candidates.filter(({ quantization }) => quantization === chosen.quantization);
  if (sameQuantization.length > 1) throw ambiguous(sameQuantization);
  return chosen;
}

/** Returns the complete models, without projectors. */
function loadable(models: readonly RepoModel[]): RepoModel[] {
  return models.filter(({ kind, complete }) => kind === 'model' && complete);
}

function ambiguous(models: readonly RepoModel[]): HostError {
  const files = models.slice(0, MAX_LISTED).map(({ name }) => name.file);
  return invalidField('modelFile', `one of ${files.join(', ')}`, undefined);
}

function noneFits(repoId: string, smallest: number): HostError {
  return new HostError(
    'INSUFFICIENT_MEMORY',
    `No model in ${repoId} fits the available memory; the smallest is ${formatBytes(smallest)}. Close other programs, or choose a file or quantization explicitly to use it anyway.`,
    { details: { repoId, smallest } },
  );
}
