import type { ServerResponse } from 'node:http';
import type { HubRequest } from './hub.ts';

/** Returns the requested range of a file of `size` bytes. `end` is exclusive. */
export function requestedRange({ range }: HubRequest, size: number): { start: number; end: number } {
  const [, start = '0', last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  return { start: Number(start), end: Math.min(size, last ? Number(last) + 1 : size) };
}

/**
 * Sends part of a file with matching headers.
 *
 * @param headers Headers to replace; undefined omits one.
 */
export function sendPart(
  response: ServerResponse,
  content: Buffer,
  { start, end }: { start: number; end: number },
  headers: Record<string, string | undefined> = {},
  status = 206,
): void {
  const all = {
    'content-range': `bytes ${start}-${end - 1}/${content.length}`,
    'content-length': String(end - start),
    ...headers,
  };
  const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  response.writeHead(status, Object.fromEntries(sent)).end(content.subarray(start, end));
}
