import type { RepoFile } from '../hub/repo-files.ts';
import { type ModelName, modelName, type RepoName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { quantizationOf } from './quantization-name.ts';

/** A GGUF file of a repository, all parts of one model together. */
export interface RepoModel {
  readonly name: ModelName;
  /** A projector (`mmproj`) gives a model eyes or ears and cannot be loaded by itself; `other` is no model at all. */
  readonly kind: 'model' | 'projector' | 'other';
  readonly quantization: string | undefined;
  /** Bytes of all parts; undefined where the hub did not say. */
  readonly size: number | undefined;
  readonly parts: number;
  /** False where the hub lists only some of its parts. */
  readonly complete: boolean;
}

/** Names of projectors as llama.cpp's converter and publishers write them. */
const PROJECTOR = /(^|[-_.])mmproj([-_.]|$)/i;
/** Files in GGUF that hold no weights: importance matrices, and llama.cpp's vocabulary tests. */
const NO_MODEL = /(^|[-_.])(imatrix|ggml-vocab)([-_.]|$)/i;

/** Puts together what a repository has to offer: by name, the parts of a model as one. */
export function repoModels(repo: RepoName, files: readonly RepoFile[]): RepoModel[] {
  const sizes = new Map(files.filter(({ file }) => /\.gguf$/i.test(file)).map(({ file, size }) => [file, size]));
  const models = new Map<string, RepoModel>();
  for (const file of sizes.keys()) {
    const parts = shardFiles(file);
    const [first = file] = parts;
    if (models.has(first)) continue;
    const listed = parts.filter((part) => sizes.has(part)).map((part) => sizes.get(part));
    models.set(first, {
      name: modelName({ owner: repo.owner, repo: repo.repo, file: first, revision: repo.revision }),
      kind: kindOf(file),
      quantization: quantizationOf(file),
      size: listed.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0),
      parts: parts.length,
      complete: listed.length === parts.length,
    });
  }
  return [...models.values()].sort((a, b) => (a.name.file < b.name.file ? -1 : 1));
}

function kindOf(file: string): RepoModel['kind'] {
  const base = file.slice(file.lastIndexOf('/') + 1);
  if (PROJECTOR.test(base)) return 'projector';
  return NO_MODEL.test(base) ? 'other' : 'model';
}
