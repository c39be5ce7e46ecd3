import * as v from 'valibot';
import { checkedSize, checksumOf } from './file-info.ts';
import { type HttpResponse, unreachable } from './http.ts';
import { HubFault } from './hub-fault.ts';
import type { RemoteFile } from './types.ts';

/** Most bytes of a listing that are read. The hub's own pages hold 1,000 entries of some 300 bytes. */
const MAX_LISTING_BYTES = 16 * 1024 * 1024;

/** What a listing says of a file. Source: the hub's `/api/models/{repo}/tree/{revision}`. */
const TreeEntry = v.looseObject({
  path: v.string(),
  size: v.optional(v.number()),
  oid: v.optional(v.string()),
  lfs: v.optional(v.looseObject({ oid: v.optional(v.string()), size: v.optional(v.number()) })),
});

/** Finds a file's checksum and size in a listing of its repository; undefined when it says none. */
export async function checksumFromTree(
  response: HttpResponse,
  file: string,
  signal: AbortSignal | undefined,
): Promise<{ checksum: RemoteFile['checksum'] | undefined; size: number | undefined } | undefined> {
  const listing = v.safeParse(v.array(TreeEntry), await readJson(response, signal));
  const entry = listing.success ? listing.output.find(({ path }) => path === file) : undefined;
  if (entry === undefined) return undefined;
  const size = entry.lfs?.size ?? entry.size;
  return {
    checksum: checksumOf(entry.lfs?.oid ?? entry.oid),
    size: size === undefined ? undefined : checkedSize(size),
  };
}

async function readJson({ body, url }: HttpResponse, signal: AbortSignal | undefined): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_LISTING_BYTES) throw notAListing(url, `more than ${MAX_LISTING_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(error, url);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw notAListing(url, 'no JSON');
  }
}

function notAListing(url: URL, found: string): HubFault {
  return new HubFault('HUB_ERROR', `${url.origin} answered with ${found} where a list of files was expected.`, {
    details: { host: url.host, expected: 'a list of files as JSON', found },
  });
}
