import { HostError } from '../common/errors.ts';
import { formatBytes } from '../common/format.ts';
import { KIND_NAMES } from '../gguf/kind.ts';
import type { ModelQuery } from '../protocol/model-name.ts';
import { modelStem } from '../protocol/shards.ts';
import type { RepoModel } from './repo-models.ts';

/**
 * Quantizations in the order of preference if none is requested: four bits per weight, which lose little quality and
 * are twice as fast as eight bits. llama.cpp also prefers `Q4_K_M`.
 */
const PREFERRED_QUANTIZATIONS: readonly string[] = [
  'Q4_K_M',
  'UD-Q4_K_XL',
  'Q4_K_S',
  'IQ4_XS',
  'IQ4_NL',
  'Q4_0',
  'MXFP4',
  'MXFP4_MOE',
];

/** Ollama's default tag. It selects the default quantization. */
const DEFAULT_TAG = 'LATEST';

/** Obsolete quantizations for specific CPUs, which llama.cpp replaced with repacking `Q4_0` during a load. */
const OBSOLETE = /^Q4_0_[48]_[48]$/;

/** Maximum number of names in an error message. */
const MAX_LISTED = 20;

/** A model to choose from: on the hub, on the disk, or of another program. */
export interface Candidate {
  readonly name: { readonly file: string };
  readonly quantization: string | undefined;
}

/**
 * Returns the model that a request specifies by its file or quantization, or the default model if it specifies only the
 * repository.
 *
 * @throws HostError as {@link modelOfQuantization} and {@link chooseModel}.
 */
export function requestedModel(
  models: readonly RepoModel[],
  query: ModelQuery | RepoModel['name'],
  fits: (size: number) => boolean,
): RepoModel {
  const { repoId } = query;
  if ('file' in query) {
    const found = loadable(models, repoId).find(({ name }) => name.file === query.file);
    if (found !== undefined) return found;
    throw new HostError('FILE_NOT_FOUND', `${repoId} has no model ${query.file}.`, {
      details: { repoId, fileName: query.file },
    });
  }
  const { quantization } = query;
  return quantization === undefined || quantization.toUpperCase() === DEFAULT_TAG
    ? chooseModel(models, repoId, fits)
    : modelOfQuantization(models, repoId, quantization);
}

/**
 * Returns the model with a quantization in a repository.
 *
 * @throws HostError `FILE_NOT_FOUND` if there is none, `INVALID_REQUEST` if there are several. Both list the available
 *   ones.
 */
export function modelOfQuantization(models: readonly RepoModel[], repoId: string, quantization: string): RepoModel {
  const candidates = loadable(models, repoId);
  const found = matchQuantization(candidates, quantization);
  if (found.length > 1) throw ambiguous(found);
  const [model] = found;
  if (model !== undefined) return model;
  const known = [...new Set(candidates.flatMap((each) => each.quantization ?? []))].slice(0, MAX_LISTED);
  const files = candidates.slice(0, MAX_LISTED).map(({ name }) => name.file);
  throw new HostError(
    'FILE_NOT_FOUND',
    `${repoId} has no ${quantization} quantization. Available: ${(known.length > 0 ? known : files).join(', ')}.`,
    { details: { repoId, quantization, available: known.length > 0 ? known : files } },
  );
}

/**
 * Returns the models that match a quantization, by the rules of llama.cpp and Ollama, ignoring case: those with this
 * quantization; otherwise with unsloth's prefix `UD-`; otherwise those whose names end with it (`Compact`); otherwise
 * the only one of its family (`Q8` matches `Q8_0`, `MXFP4` matches `MXFP4_MOE`). Several if the match is ambiguous.
 */
export function matchQuantization<T extends Candidate>(candidates: readonly T[], quantization: string): T[] {
  const wanted = quantization.toUpperCase().replace(/^FP(16|32)$/, 'F$1');
  const having = (test: (label: string) => boolean) =>
    candidates.filter(({ quantization: label }) => label !== undefined && test(label));
  const groups = [
    () => having((label) => label === wanted),
    () => having((label) => label === `UD-${wanted}`),
    () => candidates.filter(({ name }) => endsWith(name.file, wanted)),
    () => having((label) => label.startsWith(`${wanted}_`) && !OBSOLETE.test(label)),
    () => having((label) => label.startsWith(`UD-${wanted}_`)),
  ];
  for (const group of groups) {
    const found = leastQualified(group(), wanted);
    if (found.length > 0) return found;
  }
  return [];
}

/**
 * Selects the model with the least qualified name: without a suffix after the quantization (`m-Q4_K_M` rather than
 * `m-Q4_K_M-fixed`), without an infix before it (`m-Compact` rather than `m-I-Compact`), and in the topmost folder.
 * Returns several models if that is ambiguous.
 */
function leastQualified<T extends Candidate>(models: T[], wanted: string): T[] {
  if (models.length < 2) return models;
  const ending = models.filter(({ name }) => endsWith(name.file, wanted));
  const among = ending.length > 0 ? ending : models;
  const stems = among.map((model) => ({ model, start: stemOf(model.name.file).slice(0, -wanted.length) }));
  // Only the shortest can be a prefix of all others. Comparing all pairs would take minutes for thousands of names.
  const shortest = stems.map(({ start }) => start).reduce((min, start) => (start.length < min.length ? start : min));
  const isPlain = ending.length > 0 && stems.every(({ start }) => start.startsWith(shortest));
  const plain = isPlain ? stems.filter(({ start }) => start === shortest) : [];
  if (plain.length === 1) return plain.map(({ model }) => model);
  const names = new Set(among.map(({ name }) => baseOf(name.file)));
  if (names.size > 1) return among;
  const depth = ({ name }: T) => name.file.split('/').length;
  const minDepth = Math.min(...among.map(depth));
  const shallowest = among.filter((model) => depth(model) === minDepth);
  return shallowest.length === 1 ? shallowest : among;
}

function endsWith(file: string, wanted: string): boolean {
  const stem = stemOf(file);
  const before = stem.at(-wanted.length - 1);
  return stem.endsWith(wanted) && (before === undefined || /[-._/]/.test(before));
}

/** Returns the name of a file without folders, shard number and extension, in upper case. */
function stemOf(file: string): string {
  return modelStem(baseOf(file)).toUpperCase();
}

function baseOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/**
 * Chooses a model if a request specifies only the repository: `Q4_K_M` (or another preferred quantization) if it fits
 * now, otherwise the largest smaller model that fits. If there is no preferred quantization, the largest model that
 * fits.
 *
 * @param fits Returns whether a model of a size in bytes can be loaded now.
 * @throws HostError `FILE_NOT_FOUND` if there is no model, `INVALID_REQUEST` if several have the chosen quantization,
 *   `INSUFFICIENT_MEMORY` if none fits.
 */
export function chooseModel(models: readonly RepoModel[], repoId: string, fits: (size: number) => boolean): RepoModel {
  const all = loadable(models, repoId);
  const current = all.filter(({ quantization }) => quantization === undefined || !OBSOLETE.test(quantization));
  const candidates = (current.length > 0 ? current : all).toSorted((a, b) => (b.size ?? 0) - (a.size ?? 0));
  const [only, second] = candidates;
  if (only !== undefined && second === undefined) return only;
  const first = PREFERRED_QUANTIZATIONS.map((name) =>
    candidates.find(({ quantization }) => quantization === name),
  ).find(Boolean);
  const start = first === undefined ? 0 : candidates.indexOf(first);
  const chosen = candidates.slice(start).find(({ size }) => size !== undefined && fits(size));
  if (chosen === undefined) throw noneFits(repoId, candidates.at(-1)?.size ?? 0);
  const label = chosen.quantization;
  const same = candidates.filter(({ quantization }) => quantization === label);
  const [plain, another] = label === undefined ? same : leastQualified(same, label);
  if (another !== undefined) throw ambiguous(same);
  return plain ?? chosen;
}

/** Returns the complete models. Throws `FILE_NOT_FOUND` if there is none; the error lists the other files. */
function loadable(models: readonly RepoModel[], repoId: string): RepoModel[] {
  const found = models.filter(({ kind, complete }) => kind === 'model' && complete);
  if (found.length > 0) return found;
  const [other] = models;
  const instead =
    other === undefined
      ? 'Search for a GGUF version of this model.'
      : `${other.name.file} is ${other.kind === 'model' ? 'incomplete' : KIND_NAMES[other.kind]}.`;
  throw new HostError('FILE_NOT_FOUND', `${repoId} has no GGUF models. ${instead}`, { details: { repoId } });
}

function ambiguous(models: readonly RepoModel[]): HostError {
  const files = models.slice(0, MAX_LISTED).map(({ name }) => name.file);
  return new HostError('INVALID_REQUEST', `Several files match: ${files.join(', ')}. Name one of them.`, {
    details: { field: 'modelFile', expected: `one of ${files.join(', ')}`, found: 'nothing', available: files },
  });
}

function noneFits(repoId: string, smallest: number): HostError {
  return new HostError(
    'INSUFFICIENT_MEMORY',
    `No model in ${repoId} fits the available memory; the smallest is ${formatBytes(smallest)}. Close other programs, or choose a file or quantization explicitly to use it anyway.`,
    { details: { repoId, smallest } },
  );
}
