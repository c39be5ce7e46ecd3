/**
 * Returns the text of a header's value. Node.js reads values as Latin-1, but servers send UTF-8 where HTTP allows only
 * ASCII, as in `Location`.
 */
export function fromLatin1(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}
