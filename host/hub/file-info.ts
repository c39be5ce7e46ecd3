import type { IncomingHttpHeaders } from 'node:http';
import type { HttpResponse } from './http.ts';
import { HubError } from './hub-error.ts';
import type { RemoteFile } from './types.ts';

/**
 * Maximum file size accepted from a hub, in bytes: 4 TiB, well above the files of any hub. The reported size determines
 * memory use before any byte has arrived: one entry per chunk, at most 840,000.
 */
const MAX_FILE_BYTES = 2 ** 42;

/** Metadata of a file from the headers of a hub's response. Fields are undefined if a header is missing or invalid. */
export interface FileMetadata {
  readonly size: number | undefined;
  readonly etag: string | undefined;
  readonly checksum: RemoteFile['checksum'] | undefined;
  readonly commit: string | null;
}

/**
 * Reads a file's metadata from the hub's own response (not from that of the CDN to which it redirects): `X-Linked-Size`
 * and `X-Linked-Etag` for files in large-file storage, `Content-Length` and `ETag` for others. Source:
 * huggingface_hub's `get_hf_file_metadata`.
 */
export function fileMetadata({ status, headers }: Pick<HttpResponse, 'status' | 'headers'>): FileMetadata {
  const redirected = status >= 300 && status <= 399;
  const etag = etagOf(headers);
  const commit = text(headers, 'x-repo-commit');
  return {
    size: sizeOf(headers, status, redirected),
    etag,
    checksum: checksumOf(etag),
    commit: commit !== undefined && /^[0-9a-f]{40}$/.test(commit) ? commit : null,
  };
}

/** Returns the ETag of a file without quotes; undefined if there is none. */
export function etagOf(headers: IncomingHttpHeaders): string | undefined {
  const tag = text(headers, 'x-linked-etag') ?? text(headers, 'etag');
  return tag?.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}

/**
 * Returns the checksum in an ETag: 64 hex digits are the file's SHA-256, 40 are git's blob SHA-1. Undefined for other
 * ETags.
 */
export function checksumOf(etag: string | undefined): RemoteFile['checksum'] | undefined {
  const hex = etag?.toLowerCase();
  if (hex === undefined) return undefined;
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  if (/^[0-9a-f]{40}$/.test(hex)) return { algorithm: 'git-sha1', hex };
  return undefined;
}

function sizeOf(headers: IncomingHttpHeaders, status: number, redirected: boolean): number | undefined {
  const linked = text(headers, 'x-linked-size');
  if (linked !== undefined) return checkedSize(linked);
  if (status === 206) {
    const total = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
    return total === undefined ? undefined : checkedSize(total);
  }
  const length = headers['content-length'];
  // Some servers send 0 if they do not know the size.
  return redirected || length === undefined || length === '0' ? undefined : checkedSize(length);
}

/** Returns a size from a header or a listing. Throws `HUB_ERROR` if it is invalid. */
export function checkedSize(value: unknown): number {
  const size = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof size === 'number' && Number.isInteger(size) && size >= 0 && size <= MAX_FILE_BYTES) return size;
  throw new HubError(
    'HUB_ERROR',
    `The Hugging Face Hub reported an invalid file size: ${String(value).slice(0, 40)}.`,
    {
      details: { expected: `0 to ${MAX_FILE_BYTES} bytes`, found: String(value).slice(0, 40) },
    },
  );
}

function text(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Returns whether a checksum is a SHA-256. SHA-1 can be forged, and some mirrors' ETags only look like one. */
export function isStrong(checksum: RemoteFile['checksum'] | undefined): checksum is RemoteFile['checksum'] {
  return checksum?.algorithm === 'sha256';
}
