/**
 * Decodes a text file that may have been written with any editor: UTF-8, with or without a byte order mark, or UTF-16
 * with one, which PowerShell 5 writes with `>`. The mark is not part of the result.
 *
 * @throws TypeError if the bytes are not valid in the encoding.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}
