import { gunzipSync } from 'node:zlib';
import { JsonLimitError, parseJson } from '../common/json-limits.ts';
import { type HttpResponse, unreachable } from './http.ts';
import { HubError } from './hub-error.ts';

/** Maximum size of a JSON body, in bytes. The hub's pages contain 1,000 entries of about 300 bytes. */
const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** A byte order mark in UTF-8, which some servers send. */
const BOM = Buffer.from('\ufeff');

/**
 * Reads a response body as JSON. Throws `HUB_ERROR` if it is too large or not JSON, a transient `HUB_UNREACHABLE` if
 * the connection is interrupted, or the signal's reason when aborted.
 *
 * @param expected Description of the expected body, for the error message.
 */
export async function readJson(
  { body, url, headers }: HttpResponse,
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
    return parseJson(textOf(Buffer.concat(chunks), headers['content-encoding']));
  } catch (error) {
    if (error instanceof JsonLimitError) throw unexpected(url, expected, error.found);
    const isPage = /^text\/html\b/i.test(headers['content-type'] ?? '');
    const page = 'a web page. A network that requires a sign-in answers so';
    throw unexpected(url, expected, isPage ? page : 'invalid JSON');
  }
}

/** Returns the text of a body, which some proxies compress although that was not requested. */
function textOf(body: Buffer, encoding: string | undefined): Buffer {
  const text = encoding === 'gzip' ? gunzipSync(body, { maxOutputLength: MAX_JSON_BYTES }) : body;
  return text.subarray(0, BOM.length).equals(BOM) ? text.subarray(BOM.length) : text;
}

/** Returns the error for a response that does not have the expected form. */
export function unexpected(url: URL, expected: string, found: string): HubError {
  return new HubError('HUB_ERROR', `Unexpected response from ${url.origin}: expected ${expected}, got ${found}.`, {
    details: { host: url.host, expected, found },
  });
}
