import { HostError, isSystemError } from '../errors.ts';

/** SQLite's primary result codes this host tells apart. Source: sqlite.org/rescode.html. */
const SQLITE_READONLY = 8;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

/** Makes an error a person understands of what SQLite or the file system said. */
export function storeError(error: unknown, file: string): HostError {
  if (error instanceof HostError) return error;
  const details = { file };
  const sqlite = sqliteCode(error);
  if (sqlite === SQLITE_FULL || isSystemError(error, 'ENOSPC', 'EDQUOT')) {
    return new HostError('DISK_FULL', `The disk is full: ${file} cannot be written. Free some space and try again.`, {
      details,
      cause: error,
    });
  }
  if (sqlite === SQLITE_READONLY || sqlite === SQLITE_CANTOPEN || isSystemError(error, 'EACCES', 'EROFS', 'EPERM')) {
    return new HostError(
      'CACHE_NOT_WRITABLE',
      `${file} cannot be written. Make its folder writable, or name another with TABAGENT_HOME.`,
      { details, cause: error },
    );
  }
  return new HostError('CACHE_ERROR', `The host's database failed: ${file}. Its log says more.`, {
    details,
    cause: error,
  });
}

/** The primary code is in the lower byte; the rest says where it happened. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
