import { JsonLimitError, parseJson } from '../common/json-limits.ts';
import { type HttpResponse, unreachable } from './http.ts';
import { HubError } from './hub-error.ts';

/** Maximum size of a JSON body, in bytes. The hub's pages contain 1,000 entries of about 300 bytes. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;

/**
 * Reads a response body as JSON. Throws `HUB_ERROR` if it is too large or not JSON, a transient `HUB_UNREACHABLE` if
 * the connection is interrupted, or the signal's reason when aborted.
 *
 * @param expected Description of the expected body, for the error message.
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
    return parseJson(Buffer.concat(chunks));
  } catch (error) {
    throw unexpected(url, expected, error instanceof JsonLimitError ? error.found : 'invalid JSON');
  }
}

/** Returns the error for a response that does not have the expected form. */
export function unexpected(url: URL, expected: string, found: string): HubError {
  return new HubError('HUB_ERROR', `Unexpected response from ${url.origin}: expected ${expected}, got ${found}.`, {
    details: { host: url.host, expected, found },
  });
}
