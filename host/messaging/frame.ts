import { HostError } from '../common/errors.ts';
import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/**
 * The size of a frame's length, in bytes. The length is unsigned and in native byte order, which is little-endian on
 * every supported platform. Source: Chrome and Firefox native-messaging documentation.
 */
export const LENGTH_BYTES = 4;

/**
 * Encodes a reply or an event as a frame. `JSON.stringify` escapes lone surrogates, so the body is always valid UTF-8.
 *
 * @param most The largest body, in bytes.
 * @throws HostError `REPLY_TOO_LARGE` for a larger one, for which a browser would close the port; `TypeError` for
 * values that JSON does not support.
 */
export function encodeFrame(message: object, most: number = MAX_REPLY_BYTES): Uint8Array {
  const json = JSON.stringify(message);
  const bytes = Buffer.byteLength(json);
  if (bytes > most) {
    throw new HostError(
      'REPLY_TOO_LARGE',
      `The reply is too large: ${bytes} bytes, but at most ${most} are allowed. Request fewer items with \`limit\` and \`cursor\`.`,
      { details: { expected: most, found: bytes } },
    );
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.write(json, LENGTH_BYTES, 'utf8');
  return frame;
}
