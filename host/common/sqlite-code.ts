/** The primary result codes of SQLite that this host distinguishes. Source: sqlite.org/rescode.html. */
export const SQLITE = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  CONSTRAINT: 19,
  MISMATCH: 20,
  NOTADB: 26,
} as const;

/** The primary result code of an error of `node:sqlite`: the lower byte; the rest says where it happened. */
export function sqliteCode(error: unknown): number | undefined {
  // Not `instanceof Error`: an error of Node's own may belong to another realm (a test runner's, a vm context's).
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
