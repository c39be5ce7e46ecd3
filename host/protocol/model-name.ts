import { isHostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import { REMOTE_OWNER } from './engine-name.ts';
import { shardFiles } from './shards.ts';

/**
 * A model's name, made of checked parts only: URLs and paths are built from this and from nothing else.
 *
 * The model id is `owner/name/path/file.gguf`, or `owner/name@revision/path/file.gguf` for another revision than
 * `main` (`@` cannot stand in a repository's name, so the two never meet).
 */
export interface ModelName {
  readonly owner: string;
  readonly repo: string;
  /** `owner/repo`. */
  readonly repoId: string;
  /** Path of the file inside the repository, `/` between its parts. For a sharded model: its first part. */
  readonly file: string;
  readonly revision: string;
  /** The model id. */
  readonly id: string;
}

/** A repository, all of its files. */
export interface RepoName {
  readonly owner: string;
  readonly repo: string;
  readonly repoId: string;
  readonly revision: string;
}

/** The branch a repository starts with. */
export const DEFAULT_REVISION = 'main';

/** The spellings of a name a request may have; all optional, all strings that passed the schema. */
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

/** Fields that may hold a repository or a whole id, in the order they count. */
const PATH_FIELDS = ['modelPath', 'repoId', 'modelId', 'model_id', 'model_name', 'model'] as const;

/** Owner and repository names as the hub allows them: 96 letters, digits, `-`, `_`, `.`; neither starts with a dot or dash. */
const REPO_PART = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;

/** Branch, tag, commit or `refs/pr/N`: no `..`, no control characters, nothing git forbids that could leave a URL's path. */
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._\-/+]{0,199}$/;

/** Names Windows keeps for devices, whatever their extension. */
const DEVICE_NAME = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** Characters no file name may hold on at least one of the three systems. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const FORBIDDEN_IN_FILE = /[\u0000-\u001f\u007f-\u009f<>:"|?*\\]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Longest part of a path, UTF-8 bytes: the limit of the file systems in use (255), less room for our own suffixes. */
const MAX_SEGMENT_BYTES = 200;

/** Makes one checked name of a request's fields. Throws `INVALID_REQUEST` naming the field. */
export function readModelName(naming: ModelNaming): ModelName {
  const found = readModelOrRepoName(naming);
  if ('file' in found) return found;
  throw invalidField('modelFile', 'a file inside the repository, such as "model-Q4_K_M.gguf"', undefined);
}

/** The name a model id stands for; undefined when it is none: for ids found on a disk or in a database. */
export function modelNameOf(id: string): ModelName | undefined {
  try {
    return readModelName({ modelId: id });
  } catch (error) {
    if (isHostError(error)) return undefined;
    throw error;
  }
}

/** As {@link readModelName}, where a repository alone is enough. */
export function readModelOrRepoName(naming: ModelNaming): ModelName | RepoName {
  const [field, path] = firstOf(naming, PATH_FIELDS);
  if (path === undefined)
    throw invalidField('modelPath', 'a repository or model id, "owner/name" or "owner/name/file.gguf"', undefined);

  const [owner = '', repoAndRevision = '', ...rest] = path.split('/');
  if (owner === REMOTE_OWNER)
    throw invalidField(field, 'a model of a hub or of this disk, not of an engine elsewhere', path);
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
      `the file the model id names, "${fileInPath}", or no file beside a whole model id`,
      separateFile,
    );
  }
  const file = separateFile ?? fileInPath;
  if (file === undefined) return { owner, repo, repoId: `${owner}/${repo}`, revision };
  return modelName({ owner, repo, file, revision }, separateFile === undefined ? field : fileField);
}

/** A repository, and the quantization that is wanted of it; none: whichever suits. */
export type ModelQuery = RepoName & { readonly quantization?: string };

/** A quantization as file names have it. */
const QUANTIZATION = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;

/**
 * As {@link readModelOrRepoName}, where a quantization may stand in place of the file: as `owner/name:Q4_K_M`, or in
 * `quantization`.
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
    throw invalidField('quantization', `the one that \`${field}\` names, "${inPath}"`, quantization);
  }
  const found = readModelOrRepoName(repo === undefined ? naming : { ...naming, [field]: repo });
  if ('file' in found) throw invalidField('quantization', 'omitted when a file is given', quantization);
  return { ...found, quantization };
}

/** Puts a name together from its parts, checking the file's path. Throws `INVALID_REQUEST` naming `field`. */
export function modelName(
  parts: { owner: string; repo: string; file: string; revision?: string },
  field = 'modelFile',
): ModelName {
  const { owner, repo, revision = DEFAULT_REVISION } = parts;
  if (!isSafeFilePath(parts.file)) throw invalidField(field, 'a relative path inside the repository', parts.file);
  const [file = parts.file] = shardFiles(parts.file);
  const repoId = `${owner}/${repo}`;
  const at = revision === DEFAULT_REVISION ? '' : `@${encodeRevision(revision)}`;
  return { owner, repo, repoId, file, revision, id: `${repoId}${at}/${file}` };
}

/** A revision as it stands in a model id and in a folder's name: without slashes. */
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
