import { HostError } from '../common/errors.ts';
import { isJsonObject, type JsonObject } from '../common/json.ts';
import { tooHeavy } from './json-weight.ts';

/** Refuses broken UTF-8, where `toString` would put U+FFFD; takes no byte order mark, which JSON on a wire has none of. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Makes a message of a frame's body, or says as `INVALID_JSON` what was found instead; the next frame is not concerned.
 * The content is never quoted: it may hold a prompt or a token.
 */
export function parseBody(body: Uint8Array): JsonObject | HostError {
  if (body.length === 0) return invalid(body, 'nothing');
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return invalid(body, 'bytes that are not UTF-8');
  }
  const heavy = tooHeavy(body);
  if (heavy !== undefined) return invalid(body, heavy);
  let value: unknown;
  try {
    // A `__proto__` key becomes an ordinary property of its object here, and changes no prototype.
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
