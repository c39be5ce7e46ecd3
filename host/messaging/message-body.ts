import { HostError } from '../common/errors.ts';
import { isJsonObject, type JsonObject } from '../common/json.ts';
import { exceededLimit } from '../common/json-limits.ts';

/**
 * Rejects invalid UTF-8, which `toString` would replace with U+FFFD, and byte order marks, which JSON does not allow.
 */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses the body of a frame. Returns `INVALID_JSON` if it is not a JSON object; further frames can still be read. The
 * error never contains the content, which may include a prompt or a token.
 */
export function parseBody(body: Uint8Array): JsonObject | HostError {
  if (body.length === 0) return invalid(body, 'nothing');
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return invalid(body, 'bytes that are not UTF-8');
  }
  const limit = exceededLimit(body);
  if (limit !== undefined) return invalid(body, limit);
  let value: unknown;
  try {
    // `JSON.parse` creates an ordinary property for the key `__proto__`; it does not change the prototype.
    value = JSON.parse(text);
  } catch {
    return invalid(body, 'text that is not JSON');
  }
  return isJsonObject(value) ? value : invalid(body, describe(value));
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

function invalid(body: Uint8Array, found: string): HostError {
  return new HostError('INVALID_JSON', `The message is not a JSON object in UTF-8: got ${found}.`, {
    details: { expected: 'a JSON object in UTF-8', found, bytes: body.length },
  });
}
