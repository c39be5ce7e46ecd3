import { createYielder } from '../common/yield-to-event-loop.ts';
import type { BaseModel } from '../gguf/base-model.ts';
import type { RepoFile } from '../hub/repo-files.ts';
import type { FileKind } from '../protocol/file-kinds.ts';
import { type ModelName, modelName, type RepoName } from '../protocol/model-name.ts';
import { claimedShards, firstShard } from '../protocol/shards.ts';
import { addsMtp, isListed, kindOfName } from './file-kind.ts';
import { quantizationOf } from './quantization-name.ts';

/** A model in a repository: a GGUF file, or all parts of a split model. */
export interface RepoModel {
  readonly name: ModelName;
  /** Kind of the file, according to its header if that has been read, otherwise its name. */
  readonly kind: FileKind;
  readonly quantization: string | undefined;
  /** Total size of all parts, in bytes; undefined if the hub does not report it. */
  readonly size: number | undefined;
  readonly parts: number;
  /** Whether the hub lists all parts. */
  readonly complete: boolean;
  /** The base model of an adapter, according to its header. */
  readonly baseModel?: BaseModel | undefined;
}

/** Returns the models of a repository, sorted by file name. The parts of a split model are one model. */
export async function repoModels(
  repo: RepoName,
  files: readonly RepoFile[],
  signal?: AbortSignal,
): Promise<RepoModel[]> {
  const sizes = new Map(files.filter(({ file }) => isListed(file)).map(({ file, size }) => [file, size]));
  // Only listed parts are grouped: a name can claim a thousand parts.
  const groups = Map.groupBy(sizes.keys(), firstShard);
  const pause = createYielder(signal);
  const models: RepoModel[] = [];
  for (const [first, listed] of groups) {
    const parts = claimedShards(first);
    models.push({
      name: modelName({ owner: repo.owner, repo: repo.repo, file: first, revision: repo.revision }),
      kind: addsMtp(first, sizes) ? 'draft' : kindOfName(first),
      quantization: quantizationOf(first),
      size: totalOf(listed.map((file) => sizes.get(file))),
      parts,
      complete: listed.length === parts,
    });
    await pause();
  }
  return models.sort((a, b) => (a.name.file < b.name.file ? -1 : 1));
}

function totalOf(sizes: readonly (number | undefined)[]): number | undefined {
  return sizes.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0);
}
