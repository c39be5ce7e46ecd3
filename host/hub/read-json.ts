import { type HttpResponse, unreachable } from './http.ts';
import { HubFault } from './hub-fault.ts';

/** Most bytes of a hub's JSON that are read. Its own pages hold 1,000 entries of some 300 bytes. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;

/**
 * Reads the body of an answer as JSON. Throws `HUB_ERROR` for one that is too large or no JSON, a transient
 * `HUB_UNREACHABLE` where it breaks off, the signal's reason when aborted.
 *
 * @param expected What it should be, for a person.
 */
export async function readJson(
  { body, url }: HttpResponse,
  expected: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_JSON_BYTES) throw unexpected(url, expected, `more than ${MAX_JSON_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(error, url);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw unexpected(url, expected, 'no JSON');
  }
}

/** A hub's answer is something else than what such a hub answers. */
export function unexpected(url: URL, expected: string, found: string): HubFault {
  return new HubFault('HUB_ERROR', `Unexpected response from ${url.origin}: expected ${expected}, got ${found}.`, {
    details: { host: url.host, expected, found },
  });
}
