import { HostError, isSystemError } from '../common/errors.ts';
import { SQLITE, sqliteCode } from '../store/sqlite-code.ts';

/** Makes an error a person understands of what the file system said while the cache was written to. */
export function cacheError(error: unknown, path: string): HostError {
  if (error instanceof HostError) return error;
  const options = { details: { path }, cause: error };
  const sqlite = sqliteCode(error);
  if (isSystemError(error, 'ENOSPC', 'EDQUOT') || sqlite === SQLITE.FULL) {
    return new HostError(
      'DISK_FULL',
      'The disk is full. What was downloaded so far is kept: free some space and download again.',
      options,
    );
  }
  const isRefused = isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR');
  if (isRefused || sqlite === SQLITE.READONLY || sqlite === SQLITE.CANTOPEN) {
    return new HostError(
      'CACHE_NOT_WRITABLE',
      `${path} cannot be written. Make the folder writable, or name another with TABAGENT_HOME.`,
      options,
    );
  }
  const code = typeof error === 'object' && error !== null && 'code' in error ? ` (${String(error.code)})` : '';
  return new HostError('CACHE_ERROR', `Reading or writing ${path} failed${code}.`, options);
}
