import * as v from 'valibot';
import { isHostError } from '../common/errors.ts';
import { validate } from '../common/validate.ts';
import { createYielder } from '../common/yield-to-event-loop.ts';
import { modelName, type RepoName } from '../protocol/model-name.ts';
import { checkedSize } from './file-info.ts';
import type { HttpResponse } from './http.ts';
import { readJson, unexpected } from './read-json.ts';

/** A file in a hub's listing of a repository, with a validated name. */
export interface RepoFile {
  /** Path in the repository, valid as part of a model name. */
  readonly file: string;
  /** Bytes; undefined if the hub reports no valid size. */
  readonly size: number | undefined;
}

/**
 * Maximum number of files of a repository. Large ones have a few hundred; the hub advises against more than 100,000.
 */
export const MAX_FILES = 50_000;

const EXPECTED = 'a list of files as JSON';
const facts = { size: v.nullish(v.unknown()), lfs: v.nullish(v.unknown()) };
const TreeEntry = v.looseObject({ ...facts, type: v.optional(v.string()), path: v.string() });
const Sibling = v.looseObject({ ...facts, rfilename: v.string() });

/**
 * Reads a hub's listing of a repository's files, in either of its two formats: the model's page with `?blobs=true`, or
 * the tree. Omits files with names that could lead out of the cache. Throws `HUB_ERROR` if the response is not a
 * listing.
 */
export async function readRepoFiles(
  response: HttpResponse,
  repo: RepoName,
  signal: AbortSignal | undefined,
): Promise<RepoFile[]> {
  const listing = await readJson(response, EXPECTED, signal);
  const isTree = Array.isArray(listing);
  const entries: readonly unknown[] = isTree ? listing : listedSiblings(listing, response.url);
  if (entries.length > MAX_FILES) throw unexpected(response.url, `at most ${MAX_FILES} files`, `${entries.length}`);
  const pause = createYielder(signal);
  const files: RepoFile[] = [];
  for (const entry of entries) {
    const file = isTree ? fromTree(entry) : fromSibling(entry);
    if (file !== undefined && isSafe(file, repo)) files.push(file);
    await pause();
  }
  return files;
}

function listedSiblings(listing: unknown, url: URL): readonly unknown[] {
  const { success, output } = validate(v.looseObject({ siblings: v.array(v.unknown()) }), listing);
  if (success) return output.siblings;
  throw unexpected(url, EXPECTED, 'something else');
}

function fromTree(entry: unknown): RepoFile | undefined {
  const { success, output } = validate(TreeEntry, entry);
  if (!success || (output.type !== undefined && output.type !== 'file')) return undefined;
  return { file: output.path, size: sizeOf(output) };
}

function fromSibling(entry: unknown): RepoFile | undefined {
  const { success, output } = validate(Sibling, entry);
  return success ? { file: output.rfilename, size: sizeOf(output) } : undefined;
}

/** Returns the size of a file. In large-file storage, git's `size` is that of the pointer file. */
function sizeOf({ size, lfs }: { size?: unknown; lfs?: unknown }): number | undefined {
  const { success, output } = validate(v.looseObject({ size: v.number() }), lfs);
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
