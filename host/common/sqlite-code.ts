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

/** Returns the primary result code of a `node:sqlite` error: the lower byte of its extended result code. */
export function sqliteCode(error: unknown): number | undefined {
  // Not `instanceof Error`: Node's errors may belong to another realm (a test runner, a VM context).
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}
