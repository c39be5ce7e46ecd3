import { createYielder } from '../common/yield-to-event-loop.ts';
import type { RepoFile } from '../hub/repo-files.ts';
import type { FileKind } from '../protocol/file-kinds.ts';
import { type ModelName, modelName, type RepoName } from '../protocol/model-name.ts';
import { claimedShards, firstShard } from '../protocol/shards.ts';
import { addsMtp, isListed, kindOfName } from './file-kind.ts';
import { quantizationOf } from './quantization-name.ts';

/** A model in a repository: a GGUF file, or all parts of a split model. */
export interface RepoModel {
  readonly name: ModelName;
  /** What it is, according to its name or, where that has been read, its header. */
  readonly kind: FileKind;
  readonly quantization: string | undefined;
  /** Bytes of all parts; undefined if the hub does not report them. */
  readonly size: number | undefined;
  readonly parts: number;
  /** False if the hub lists only some of its parts. */
  readonly complete: boolean;
}

/** Returns the models of a repository, sorted by file name, with the parts of a split model as one. */
export async function repoModels(
  repo: RepoName,
  files: readonly RepoFile[],
  signal?: AbortSignal,
): Promise<RepoModel[]> {
  const sizes = new Map(files.filter(({ file }) => isListed(file)).map(({ file, size }) => [file, size]));
  // The parts that are listed are grouped: a name can claim a thousand others.
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
