import { isHostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import { REMOTE_OWNER } from './engine-name.ts';
import { firstShard } from './shards.ts';

/**
 * The name of a model, made of validated parts only: URLs and paths are built from it and from nothing else.
 *
 * The model id is `owner/name/path/file.gguf`, or `owner/name@revision/path/file.gguf` for a revision other than
 * `main`. A repository's name cannot contain `@`, so the two forms cannot be confused.
 */
export interface ModelName {
  readonly owner: string;
  readonly repo: string;
  /** `owner/repo`. */
  readonly repoId: string;
  /** The path of the file in the repository, with `/`. Of a model split into several files, the first. */
  readonly file: string;
  readonly revision: string;
  /** The model id. */
  readonly id: string;
}

/** The name of a repository at a revision. */
export interface RepoName {
  readonly owner: string;
  readonly repo: string;
  readonly repoId: string;
  readonly revision: string;
}

/** The default branch of a repository. */
export const DEFAULT_REVISION = 'main';

/** The fields by which a request can name a model, after validation by its schema. */
export interface ModelNaming {
  modelPath?: string | undefined;
  repoId?: string | undefined;
  modelFile?: string | undefined;
  fileName?: string | undefined;
  modelId?: string | undefined;
  model_id?: string | undefined;
  model_name?: string | undefined;
  model?: string | undefined;
  revision?: string | undefined;
  quantization?: string | undefined;
}

/** The fields for a repository or a whole id; the first that is present counts. */
const PATH_FIELDS = ['modelPath', 'repoId', 'modelId', 'model_id', 'model_name', 'model'] as const;

/** Owner and repository names as the Hugging Face Hub allows them: at most 96 letters, digits, `-`, `_` and `.`. */
const REPO_PART = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;

/** A branch, tag, commit or `refs/pr/N`, without characters that could leave the path of a URL. */
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._\-/+]{0,199}$/;

/**
 * Names that Windows reserves for devices, with any extension, those of older versions and of consoles included. Windows
 * ignores spaces after them.
 */
const DEVICE_NAME = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)/i;

/** Characters that file names cannot contain on at least one supported system, and invisible ones that change direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression looks for control characters
const FORBIDDEN_IN_FILE = /[\u0000-\u001f\u007f-\u009f<>:"|?*\\]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Longest segment of a path, UTF-8 bytes: the limit of common file systems (255) less the suffixes that the host adds. */
const MAX_SEGMENT_BYTES = 200;

/** Reads the name of a model from the fields of a request. Throws `INVALID_REQUEST` with the field. */
export function readModelName(naming: ModelNaming): ModelName {
  const found = readModelOrRepoName(naming);
  if ('file' in found) return found;
  throw invalidField('modelFile', 'a file in the repository, such as "model-Q4_K_M.gguf"', undefined);
}

/** Parses a model id, such as one found on the disk or in the database; undefined if it is not one. */
export function modelNameOf(id: string): ModelName | undefined {
  try {
    return readModelName({ modelId: id });
  } catch (error) {
    if (isHostError(error)) return undefined;
    throw error;
  }
}

/** Parses the name of a model or repository as users type it; undefined if it is not one. */
export function modelQueryOf(text: string): ModelName | ModelQuery | undefined {
  try {
    return readModelQuery({ modelPath: text });
  } catch (error) {
    if (isHostError(error)) return undefined;
    throw error;
  }
}

/** Reads the name of a model like {@link readModelName}, or of a repository if no file is given. */
export function readModelOrRepoName(naming: ModelNaming): ModelName | RepoName {
  const [field, path] = firstOf(naming, PATH_FIELDS);
  if (path === undefined)
    throw invalidField('modelPath', 'a repository or model id, "owner/name" or "owner/name/file.gguf"', undefined);

  const [owner = '', repoAndRevision = '', ...rest] = path.split('/');
  if (owner === REMOTE_OWNER)
    throw invalidField(field, 'a model of the Hugging Face Hub or of this computer, not of a remote engine', path);
  const [repo = '', idRevision, ...tooMany] = repoAndRevision.split('@');
  const revisionInId = idRevision === undefined ? undefined : decodeRevision(idRevision);
  if (!isRepoPart(owner) || !isRepoPart(repo) || tooMany.length > 0) {
    throw invalidField(field, 'a repository or model id, "owner/name" or "owner/name/file.gguf"', path);
  }
  if (naming.revision !== undefined && revisionInId !== undefined && naming.revision !== revisionInId) {
    throw invalidField('revision', `the same revision as in the model ID, "${revisionInId}"`, naming.revision);
  }
  const revision = naming.revision ?? revisionInId ?? DEFAULT_REVISION;
  if (!REVISION.test(revision) || /\.\.|\/\/|\/$|\.$|\.lock$/.test(revision)) {
    throw invalidField('revision', 'a branch, tag or commit', revision);
  }

  const [fileField, separateFile] = firstOf(naming, ['modelFile', 'fileName']);
  const fileInPath = rest.length > 0 ? rest.join('/') : undefined;
  if (separateFile !== undefined && fileInPath !== undefined && separateFile !== fileInPath) {
    throw invalidField(
      fileField,
      `the file of the model ID, "${fileInPath}", or omitted when a whole model ID is given`,
      separateFile,
    );
  }
  const file = separateFile ?? fileInPath;
  if (file === undefined) return { owner, repo, repoId: `${owner}/${repo}`, revision };
  return modelName({ owner, repo, file, revision }, separateFile === undefined ? field : fileField);
}

/** A repository and the requested quantization; without one, the host chooses. */
export type ModelQuery = RepoName & { readonly quantization?: string };

/** A quantization as it occurs in file names. */
const QUANTIZATION = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;

/**
 * Reads a name like {@link readModelOrRepoName}, with a quantization instead of a file: `owner/name:Q4_K_M`, or the
 * field `quantization`.
 */
export function readModelQuery(naming: ModelNaming): ModelName | ModelQuery {
  const [field, path] = firstOf(naming, PATH_FIELDS);
  const [, repo, inPath] = /^([^/:]+\/[^/:]+):([^/:]*)$/.exec(path ?? '') ?? [];
  const quantization = naming.quantization ?? inPath;
  if (quantization === undefined) return readModelOrRepoName(naming);
  if (!QUANTIZATION.test(quantization)) {
    throw invalidField(
      naming.quantization === undefined ? field : 'quantization',
      'a quantization such as Q4_K_M',
      quantization,
    );
  }
  if (inPath !== undefined && inPath.toUpperCase() !== quantization.toUpperCase()) {
    throw invalidField('quantization', `the same quantization as in \`${field}\`, "${inPath}"`, quantization);
  }
  const found = readModelOrRepoName(repo === undefined ? naming : { ...naming, [field]: repo });
  if ('file' in found) throw invalidField('quantization', 'omitted when a file is given', quantization);
  return { ...found, quantization };
}

/**
 * Returns text that identifies the repository of a name, at its revision. The names of different repositories never
 * differ in case alone.
 */
export function repositoryKey({ repoId, revision }: Pick<RepoName, 'repoId' | 'revision'>): string {
  return `${repoId.toLowerCase()}@${revision}`;
}

/** Returns whether two names are of one repository at one revision. */
export function isSameRepository(
  a: Pick<RepoName, 'repoId' | 'revision'>,
  b: Pick<RepoName, 'repoId' | 'revision'>,
): boolean {
  return repositoryKey(a) === repositoryKey(b);
}

/** Builds a name from its parts and validates the path of the file. Throws `INVALID_REQUEST` with `field`. */
export function modelName(
  parts: { owner: string; repo: string; file: string; revision?: string },
  field = 'modelFile',
): ModelName {
  const { owner, repo, revision = DEFAULT_REVISION } = parts;
  if (!isSafeFilePath(parts.file)) throw invalidField(field, 'a relative path in the repository', parts.file);
  const file = firstShard(parts.file);
  const repoId = `${owner}/${repo}`;
  const at = revision === DEFAULT_REVISION ? '' : `@${encodeRevision(revision)}`;
  return { owner, repo, repoId, file, revision, id: `${repoId}${at}/${file}` };
}

/** Encodes a revision for model ids and folder names, which cannot contain its slashes. */
export function encodeRevision(revision: string): string {
  return revision.replaceAll('/', '%2F');
}

function decodeRevision(encoded: string): string {
  return encoded.replaceAll('%2F', '/');
}

function isRepoPart(part: string): boolean {
  return REPO_PART.test(part) && !part.includes('..') && !part.endsWith('.') && !DEVICE_NAME.test(part);
}

function isSafeFilePath(file: string): boolean {
  return file.length <= 1024 && file.isWellFormed() && file.split('/').every(isSafeSegment);
}

function isSafeSegment(segment: string): boolean {
  return (
    segment !== '' &&
    segment !== '.' &&
    segment !== '..' &&
    !/[. ]$/.test(segment) &&
    !segment.startsWith(' ') &&
    !FORBIDDEN_IN_FILE.test(segment) &&
    !DEVICE_NAME.test(segment) &&
    new TextEncoder().encode(segment).length <= MAX_SEGMENT_BYTES
  );
}

function firstOf(
  naming: ModelNaming,
  fields: readonly (keyof ModelNaming)[],
): [field: string, value: string | undefined] {
  for (const field of fields) {
    const value = naming[field];
    if (value !== undefined) return [field, value];
  }
  return [fields[0] ?? '', undefined];
}
