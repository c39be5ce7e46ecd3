import { createHash } from 'node:crypto';
import type { BrowserFamily } from './browser.ts';

/** Bytes of the SHA-256 that make the id: 128 bits, as Chromium's `crx_file::id_util` takes them. */
const ID_BYTES = 16;

/**
 * The id Chromium gives an extension with this `key` (base64 of the DER public key): the first 16 bytes of the key's
 * SHA-256, each hexadecimal digit written as a letter from a (0) to p (15).
 */
export function chromiumExtensionId(key: string): string {
  const digest = createHash('sha256').update(Buffer.from(key, 'base64')).digest().subarray(0, ID_BYTES);
  return digest.toString('hex').replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
}

/**
 * Which family an extension id belongs to by its form, or undefined when it has neither form. Firefox's forms are
 * those its own manifest schema takes: `{uuid}` or `name@domain`.
 */
export function familyOfExtensionId(id: string): BrowserFamily | undefined {
  if (/^[a-p]{32}$/.test(id)) return 'chromium';
  if (/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$|^[a-z0-9._-]*@[a-z0-9._-]+$/i.test(id)) return 'firefox';
  return undefined;
}
