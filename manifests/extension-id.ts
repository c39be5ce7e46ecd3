import { createHash } from 'node:crypto';
import type { BrowserFamily } from './browser.ts';

/** Number of bytes of the SHA-256 that form the ID, as in Chromium's `crx_file::id_util`. */
const ID_BYTES = 16;

/**
 * Returns the ID that Chromium assigns to an extension with this `key` (the public key in DER, as base64): the first 16
 * bytes of the key's SHA-256, with each hexadecimal digit written as a letter from a (0) to p (15).
 */
export function chromiumExtensionId(key: string): string {
  const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest().subarray(0, ID_BYTES);
  return digest.toString('hex').replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
}

/**
 * Returns the browser family that an extension ID belongs to; undefined if the ID is valid in neither. Firefox accepts
 * the formats `{uuid}` and `name@domain`, according to its manifest schema.
 */
export function familyOfExtensionId(id: string): BrowserFamily | undefined {
  if (/^[a-p]{32}$/.test(id)) return 'chromium';
  if (/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$|^[a-z0-9._-]*@[a-z0-9._-]+$/i.test(id)) return 'firefox';
  return undefined;
}
