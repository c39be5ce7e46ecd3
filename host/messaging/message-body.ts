import { HostError } from '../common/errors.ts';
import { isJsonObject, type JsonObject } from '../common/json.ts';
import { exceededLimit } from '../common/json-limits.ts';

/** Rejects invalid UTF-8, which `toString` would replace with U+FFFD, and a byte order mark, which JSON must not have. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses the body of a frame. Returns `INVALID_JSON` if it is not a JSON object; the next frame is not affected. The
 * error never quotes the content, which may contain a prompt or a token.
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
    // `JSON.parse` makes a key `__proto__` an ordinary property, which changes no prototype.
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
