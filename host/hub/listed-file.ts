import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import { checkedSize, checksumOf } from './file-info.ts';
import type { HttpResponse } from './http.ts';
import { readJson } from './read-json.ts';
import type { RemoteFile } from './types.ts';

/** Entry of a listing for a file in large-file storage, with its SHA-256 under one of two names. */
const Lfs = v.looseObject({
  oid: v.optional(v.string()),
  sha256: v.optional(v.string()),
  size: v.optional(v.number()),
});
const facts = { size: v.nullish(v.number()), lfs: v.nullish(Lfs) };
/** Source: the hub's `/api/models/{repo}/tree/{revision}?recursive=true`. */
const Tree = v.array(v.looseObject({ ...facts, path: v.string(), oid: v.nullish(v.string()) }));
/** Source: the hub's `/api/models/{repo}/revision/{revision}?blobs=true`. */
const Info = v.looseObject({
  siblings: v.array(v.looseObject({ ...facts, rfilename: v.string(), blobId: v.nullish(v.string()) })),
});

/** A file's checksum and size from the listing of its repository. */
export interface ListedFile {
  readonly checksum: RemoteFile['checksum'] | undefined;
  readonly size: number | undefined;
}

/**
 * Returns a file's entry in a listing of its repository, in either of the hub's two formats; undefined if it is not
 * listed.
 */
export async function listedFile(
  response: HttpResponse,
  file: string,
  signal: AbortSignal | undefined,
): Promise<ListedFile | undefined> {
  const listing = await readJson(response, 'a list of files as JSON', signal);
  const tree = validate(Tree, listing);
  const info = validate(Info, listing);
  const entries = tree.success
    ? tree.output.map((entry) => ({ ...entry, blob: entry.oid }))
    : info.success
      ? info.output.siblings.map((entry) => ({ ...entry, path: entry.rfilename, blob: entry.blobId }))
      : [];
  const entry = entries.find(({ path }) => path === file);
  if (entry === undefined) return undefined;
  const { lfs, size, blob } = entry;
  const bytes = lfs?.size ?? size ?? undefined;
  return {
    // For a file in large-file storage, git's blob id belongs to the pointer file.
    checksum: checksumOf(lfs ? (lfs.sha256 ?? lfs.oid) : (blob ?? undefined)),
    size: bytes === undefined ? undefined : checkedSize(bytes),
  };
}
