import * as v from 'valibot';
import { isHostError } from '../common/errors.ts';
import { modelName, type RepoName } from '../protocol/model-name.ts';
import { checkedSize } from './file-info.ts';
import type { HttpResponse } from './http.ts';
import { readJson, unexpected } from './read-json.ts';

/** What a hub says of one file of a repository, its name checked. */
export interface RepoFile {
  /** Path in the repository: one that a model's name can have. */
  readonly file: string;
  /** Bytes; undefined where the hub does not say, or says nonsense. */
  readonly size: number | undefined;
}

const EXPECTED = 'a list of files as JSON';
const facts = { size: v.nullish(v.unknown()), lfs: v.nullish(v.unknown()) };
const TreeEntry = v.looseObject({ ...facts, type: v.optional(v.string()), path: v.string() });
const Sibling = v.looseObject({ ...facts, rfilename: v.string() });

/**
 * Reads the files out of a hub's listing of a repository, in either of its two forms: the model's page with
 * `?blobs=true`, or the tree. What it lists under names that could lead out of the cache is left out. Throws `HUB_ERROR`
 * for what is no listing.
 */
export async function readRepoFiles(
  response: HttpResponse,
  repo: RepoName,
  signal: AbortSignal | undefined,
): Promise<RepoFile[]> {
  const listing = await readJson(response, EXPECTED, signal);
  const entries = Array.isArray(listing) ? listing.map(fromTree) : siblingsOf(listing, response.url).map(fromSibling);
  return entries.filter((entry) => entry !== undefined && isSafe(entry, repo)) as RepoFile[];
}

function siblingsOf(listing: unknown, url: URL): readonly unknown[] {
  const { success, output } = v.safeParse(v.looseObject({ siblings: v.array(v.unknown()) }), listing);
  if (success) return output.siblings;
  throw unexpected(url, EXPECTED, 'something else');
}

function fromTree(entry: unknown): RepoFile | undefined {
  const { success, output } = v.safeParse(TreeEntry, entry);
  if (!success || (output.type !== undefined && output.type !== 'file')) return undefined;
  return { file: output.path, size: sizeOf(output) };
}

function fromSibling(entry: unknown): RepoFile | undefined {
  const { success, output } = v.safeParse(Sibling, entry);
  return success ? { file: output.rfilename, size: sizeOf(output) } : undefined;
}

/** Of a file in large-file storage git's own size is that of a pointer. */
function sizeOf({ size, lfs }: { size?: unknown; lfs?: unknown }): number | undefined {
  const { success, output } = v.safeParse(v.looseObject({ size: v.number() }), lfs);
  try {
    return checkedSize(success ? output.size : size);
  } catch (error) {
    if (isHostError(error)) return undefined;
    throw error;
  }
}

function isSafe({ file }: RepoFile, { owner, repo, revision }: RepoName): boolean {
  try {
    modelName({ owner, repo, file, revision });
    return true;
  } catch (error) {
    if (isHostError(error)) return false;
    throw error;
  }
}
