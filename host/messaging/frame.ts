import { HostError } from '../common/errors.ts';
import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/**
 * Size of a frame's length field, in bytes. The length is unsigned and in native byte order, which is little-endian on
 * every supported platform. Source: the native messaging documentation of Chrome and Firefox.
 */
export const LENGTH_BYTES = 4;

/**
 * Encodes a reply or an event as a frame. `JSON.stringify` escapes lone surrogates, so the body is always valid UTF-8.
 *
 * @param maxBytes Maximum size of the body, in bytes.
 * @throws HostError `REPLY_TOO_LARGE` for a larger body, for which a browser would close the port; `TypeError` for
 * values that JSON does not support.
 */
export function encodeFrame(message: object, maxBytes: number = MAX_REPLY_BYTES): Uint8Array {
  const json = JSON.stringify(message);
  const bytes = Buffer.byteLength(json);
  if (bytes > maxBytes) {
    throw new HostError(
      'REPLY_TOO_LARGE',
      `The reply is too large: ${bytes} bytes, but at most ${maxBytes} are allowed. Request fewer items with \`limit\` and \`cursor\`.`,
      { details: { expected: maxBytes, found: bytes } },
    );
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.write(json, LENGTH_BYTES, 'utf8');
  return frame;
}
