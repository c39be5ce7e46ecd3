import { HostError } from '../common/errors.ts';
import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/**
 * Bytes of a frame's length. It is unsigned and in native byte order, which is little-endian on every platform there
 * is a host for. Source: Chrome and Firefox native-messaging documentation.
 */
export const LENGTH_BYTES = 4;

/**
 * Makes one frame of a reply or event. Lone surrogates come out as `\uXXXX` escapes (ES2019's `JSON.stringify`), so the
 * body is always valid UTF-8.
 *
 * Throws `REPLY_TOO_LARGE` for what a browser would drop the port over, and a `TypeError` for what JSON cannot hold.
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
