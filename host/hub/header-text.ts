/**
 * Decodes the value of a header. Node.js decodes values as Latin-1, but servers send UTF-8 in headers such as
 * `Location`, where HTTP allows only ASCII.
 */
export function fromLatin1(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}
