import { exactBytes } from './exact-bytes.ts';
import { checksumOf, etagOf } from './file-info.ts';
import type { HttpResponse } from './http.ts';
import { HubFault } from './hub-fault.ts';
import type { ByteRange, RangeStream, RemoteFile } from './types.ts';

/**
 * Takes an answer for the bytes that were asked for, or says what is wrong with it. `206` must bring just the range;
 * `200` brings the whole file, from a hub that knows no ranges.
 */
export function rangeAnswer(
  response: HttpResponse,
  remote: RemoteFile,
  range: ByteRange,
  signal: AbortSignal | undefined,
): RangeStream {
  const { url, status, headers, body } = response;
  const wrong = (found: string, expected: string) =>
    new HubFault('HUB_ERROR', `Unexpected response from ${url.origin}: expected ${expected}, got ${found}.`, {
      transient: true,
      details: { host: url.host, fileName: remote.file, expected, found },
    });

  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw wrong(`a body compressed with ${encoding}`, 'the file as it is');
  if (/^text\/html\b/i.test(headers['content-type'] ?? '')) throw wrong('a web page', 'the file');
  // The hub's own tag counts. Where a CDN answers, its tags are of its own making.
  const tag = etagOf(response.hubHeaders ?? headers);
  if (tag !== undefined && isAnother(tag, remote)) throw changed(remote, tag);

  if (status === 206) {
    const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    if (Number(start) !== range.start || Number(end) !== range.end - 1) {
      throw wrong(`the range "${headers['content-range'] ?? ''}"`, `bytes ${range.start}-${range.end - 1}`);
    }
    if (total !== '*' && Number(total) !== remote.size) throw changed(remote, `${total} bytes`);
    return { start: range.start, body: exactBytes(body, range.end - range.start, url, signal) };
  }
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== remote.size)
    throw wrong(`${length} bytes`, `all ${remote.size} bytes`);
  return { start: 0, body: exactBytes(body, remote.size, url, signal) };
}

/** Two tags tell of a change where they are of one kind: both checksums of the same sort, or neither a checksum. */
function isAnother(tag: string, remote: RemoteFile): boolean {
  const [now, then] = [checksumOf(tag), checksumOf(remote.etag)];
  if (now === undefined || then === undefined) return now === then && tag !== remote.etag;
  return now.algorithm === then.algorithm && now.hex !== then.hex;
}

/** The file on the hub is no longer the one that was asked about. */
export function changed({ name, file, etag }: RemoteFile, found: string): HubFault {
  return new HubFault(
    'REMOTE_CHANGED',
    `${name.repoId}/${file} changed on the Hugging Face Hub during the download. Download it again.`,
    {
      details: { repoId: name.repoId, fileName: file, expected: etag, found },
    },
  );
}
