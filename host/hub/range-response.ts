import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { checksumOf, etagOf } from './file-info.ts';
import type { FollowedResponse } from './follow.ts';
import { type ResponseBody, unreachable } from './http.ts';
import { HubError, UnusableRange } from './hub-error.ts';
import type { ByteRange, RangeStream, RemoteFile } from './types.ts';

/**
 * Maximum number of bytes before the requested range that are skipped. Some caches send whole blocks of a few MiB.
 */
const MAX_SKIPPED_BYTES = 16 * 1024 * 1024;

/**
 * Checks the response to a request for a range, or for the whole file, and returns its bytes. A partial response must
 * contain the first byte of the range, but may be longer or shorter than the range.
 *
 * @throws HostError `HUB_ERROR` ({@link UnusableRange} for another part of the file), `REMOTE_CHANGED` if the file has
 *   changed.
 */
export function readRange(
  response: FollowedResponse,
  remote: RemoteFile,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): RangeStream {
  const { url, status, headers, body } = response;
  const unexpected = (found: string, expected: string, Kind = HubError) =>
    new Kind('HUB_ERROR', `Unexpected response from ${url.origin}: expected ${expected}, got ${found}.`, {
      transient: true,
      details: { host: url.host, fileName: remote.file, expected, found },
    });

  if (/^text\/html\b/i.test(headers['content-type'] ?? '')) throw unexpected('a web page', 'the file');
  // Use the hub's ETag: a CDN generates its own.
  const tag = etagOf(response.hubHeaders ?? headers);
  if (tag !== undefined && differs(tag, remote)) throw remoteChanged(remote, tag);

  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  const isPart = status === 206 || headers['content-range'] !== undefined;
  if (!isPart) {
    if (encoding === 'identity' && length !== undefined && length !== remote.size)
      throw unexpected(`${length} bytes`, `all ${remote.size} bytes`);
    const decoded = encoding === 'identity' ? body : decode(body, encoding);
    if (decoded === undefined) throw unexpected(`a body compressed with ${encoding}`, 'an uncompressed body');
    return { start: 0, isWholeFile: true, isStated: true, body: readExactly(decoded, remote.size, url, signal) };
  }

  const wanted = range ?? { start: 0, end: remote.size };
  const expected = `bytes ${wanted.start}-${wanted.end - 1}`;
  if (encoding !== 'identity') throw unexpected(`a part compressed with ${encoding}`, expected, UnusableRange);
  if (/^multipart\//i.test(headers['content-type'] ?? '')) throw unexpected('several parts', expected, UnusableRange);
  const part = statedPart(headers['content-range']) ?? impliedPart(length, wanted, remote.size);
  if (part === undefined) {
    throw unexpected(
      `the range "${headers['content-range'] ?? ''}", ${length ?? 'unknown'} bytes`,
      expected,
      UnusableRange,
    );
  }
  const { start, end, total } = part;
  if (total !== undefined && total !== remote.size) {
    // A server that identifies the file by its checksum sends the right file with a wrong size.
    const isSame = checksumOf(etagOf(headers))?.hex === remote.checksum.hex;
    throw isSame
      ? unexpected(`a size of ${total} bytes`, expected, UnusableRange)
      : remoteChanged(remote, `${total} bytes`);
  }
  const isConsistent = start < end && end <= remote.size && (length === undefined || length === end - start);
  const isUsable = start <= wanted.start && wanted.start < end && wanted.start - start <= MAX_SKIPPED_BYTES;
  if (!isConsistent || !isUsable) throw unexpected(`bytes ${start}-${end - 1}`, expected, UnusableRange);
  const isStated = headers['content-range'] !== undefined;
  return { start, isWholeFile: false, isStated, body: readExactly(body, end - start, url, signal) };
}

interface Part extends ByteRange {
  /** Size of the whole file, if the server sends it. */
  readonly total: number | undefined;
}

/** Parses `Content-Range`, also with separators that some servers use instead of a space. Source: RFC 9110, 14.4. */
function statedPart(value: string | undefined): Part | undefined {
  const [, start, last, total] = /^bytes[ =:]\s*(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? '') ?? [];
  if (start === undefined) return undefined;
  return { start: Number(start), end: Number(last) + 1, total: total === '*' ? undefined : Number(total) };
}

/** Returns the part in a response without `Content-Range`, if its length determines the part. */
function impliedPart(length: number | undefined, { start, end }: ByteRange, size: number): Part | undefined {
  if (length === undefined) return undefined;
  const total = undefined;
  if (length === end - start) return { start, end, total };
  if (length === size - start) return { start, end: size, total };
  return length === size ? { start: 0, end: size, total } : undefined;
}

const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
] as const);

/** Decompresses a body that was compressed without being requested; undefined for an unknown encoding. */
function decode(body: ResponseBody, encoding: string): ResponseBody | undefined {
  const decoder = DECODERS.get(encoding)?.();
  if (decoder === undefined) return undefined;
  async function* copies() {
    // Copied, because the memory of a chunk is reused.
    for await (const chunk of body) yield Buffer.from(chunk);
  }
  // An error destroys the decoder, which passes it to the reader.
  pipeline(Readable.from(copies()), decoder).catch(() => undefined);
  return {
    [Symbol.asyncIterator]: () => decoder[Symbol.asyncIterator](),
    destroy: () => body.destroy(),
  };
}

/**
 * Reads a body of known length. Throws a transient `HUB_UNREACHABLE` if the body is shorter or longer, or if the
 * connection is interrupted or stalls. Ending the loop early closes the connection.
 */
async function* readExactly(
  body: ResponseBody,
  expected: number,
  url: URL,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  try {
    for await (const chunk of body) {
      received += chunk.length;
      if (received > expected) throw wrongLength(url, expected, 'more');
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(error, url);
  }
  if (received < expected) throw wrongLength(url, expected, String(received));
}

function wrongLength(url: URL, expected: number, found: string): HubError {
  return new HubError(
    'HUB_UNREACHABLE',
    `The download from ${url.origin} was interrupted after ${found} of ${expected} bytes.`,
    {
      transient: true,
      details: { host: url.host, expected, found },
    },
  );
}

/**
 * Returns whether an ETag shows that the file has changed. Only two checksums of the same algorithm, or two ETags that
 * are not checksums, can be compared.
 */
function differs(tag: string, remote: RemoteFile): boolean {
  const [current, expected] = [checksumOf(tag), checksumOf(remote.etag)];
  if (current === undefined || expected === undefined) return current === expected && tag !== remote.etag;
  return current.algorithm === expected.algorithm && current.hex !== expected.hex;
}

/** Returns the error for a refused range: the file has another size, or the server does not send ranges of it. */
export function rangeRefused({ url, status, headers }: FollowedResponse, remote: RemoteFile): HubError {
  const [, total] = /^bytes \*\/(\d{1,15})$/i.exec(headers['content-range'] ?? '') ?? [];
  if (total !== undefined && Number(total) !== remote.size) return remoteChanged(remote, `${total} bytes`);
  return new UnusableRange('HUB_ERROR', `${url.origin} refused to send a part of ${remote.file} (status ${status}).`, {
    transient: true,
    details: { host: url.host, fileName: remote.file, status },
  });
}

/** Returns the error for a file on the hub that has changed since its metadata were read. */
function remoteChanged({ name, file, etag }: RemoteFile, found: string): HubError {
  return new HubError(
    'REMOTE_CHANGED',
    `${name.repoId}/${file} changed on the Hugging Face Hub during the download. Download it again.`,
    {
      details: { repoId: name.repoId, fileName: file, expected: etag, found },
    },
  );
}
