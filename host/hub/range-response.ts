import { checksumOf, etagOf } from './file-info.ts';
import { type HttpResponse, type ResponseBody, unreachable } from './http.ts';
import { HubError } from './hub-error.ts';
import type { ByteRange, RangeStream, RemoteFile } from './types.ts';

/**
 * Checks the response to a range request and returns its bytes. `206` must contain exactly the range; `200` is the
 * whole file, from a hub that does not support ranges. Throws `HUB_ERROR`, or `REMOTE_CHANGED` if the file is a
 * different one.
 */
export function readRange(
  response: HttpResponse,
  remote: RemoteFile,
  range: ByteRange,
  signal: AbortSignal | undefined,
): RangeStream {
  const { url, status, headers, body } = response;
  const unexpected = (found: string, expected: string) =>
    new HubError('HUB_ERROR', `Unexpected response from ${url.origin}: expected ${expected}, got ${found}.`, {
      transient: true,
      details: { host: url.host, fileName: remote.file, expected, found },
    });

  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw unexpected(`a body compressed with ${encoding}`, 'an uncompressed body');
  if (/^text\/html\b/i.test(headers['content-type'] ?? '')) throw unexpected('a web page', 'the file');
  // The hub's own ETag counts. A CDN generates ETags of its own.
  const tag = etagOf(response.hubHeaders ?? headers);
  if (tag !== undefined && differs(tag, remote)) throw remoteChanged(remote, tag);

  if (status === 206) {
    const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    if (Number(start) !== range.start || Number(end) !== range.end - 1) {
      throw unexpected(`the range "${headers['content-range'] ?? ''}"`, `bytes ${range.start}-${range.end - 1}`);
    }
    if (total !== '*' && Number(total) !== remote.size) throw remoteChanged(remote, `${total} bytes`);
    return { start: range.start, body: readExactly(body, range.end - range.start, url, signal) };
  }
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== remote.size)
    throw unexpected(`${length} bytes`, `all ${remote.size} bytes`);
  return { start: 0, body: readExactly(body, remote.size, url, signal) };
}

/**
 * Reads a body of known length. Throws a transient `HUB_UNREACHABLE` if the body is shorter or longer, or the
 * connection breaks or stalls. Leaving the loop early closes the connection.
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
 * Whether a tag shows that the file has changed. Only tags of one kind can be compared: two checksums with the same
 * algorithm, or two tags that are no checksums.
 */
function differs(tag: string, remote: RemoteFile): boolean {
  const [current, expected] = [checksumOf(tag), checksumOf(remote.etag)];
  if (current === undefined || expected === undefined) return current === expected && tag !== remote.etag;
  return current.algorithm === expected.algorithm && current.hex !== expected.hex;
}

/** The file on the hub has changed since its metadata was read. */
export function remoteChanged({ name, file, etag }: RemoteFile, found: string): HubError {
  return new HubError(
    'REMOTE_CHANGED',
    `${name.repoId}/${file} changed on the Hugging Face Hub during the download. Download it again.`,
    {
      details: { repoId: name.repoId, fileName: file, expected: etag, found },
    },
  );
}
