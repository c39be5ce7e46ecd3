import { HostError } from '../common/errors.ts';
import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/**
 * The size of a frame's length, bytes. The length is unsigned and in native byte order, which is little-endian on every
 * supported platform. Source: Chrome and Firefox native-messaging documentation.
 */
export const LENGTH_BYTES = 4;

/**
 * Encodes a reply or an event as a frame. `JSON.stringify` escapes lone surrogates, so the body is always valid UTF-8.
 *
 * @throws HostError `REPLY_TOO_LARGE` for a message that a browser would close the port for; `TypeError` for values that
 * JSON does not support.
 */
export function encodeFrame(message: object): Uint8Array {
  const json = JSON.stringify(message);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_REPLY_BYTES) {
    throw new HostError(
      'REPLY_TOO_LARGE',
      `The reply is too large: ${bytes} bytes, but at most ${MAX_REPLY_BYTES} are allowed. Request fewer items with \`limit\` and \`cursor\`.`,
      { details: { expected: MAX_REPLY_BYTES, found: bytes } },
    );
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.write(json, LENGTH_BYTES, 'utf8');
  return frame;
}
