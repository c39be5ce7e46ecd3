import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { diskFull, fileInUse, noWritePermission } from '../common/host-errors.ts';
import { SQLITE, sqliteCode } from '../store/sqlite-code.ts';

/** Makes an error a person understands of what the file system said while the cache was written to. */
export function cacheError(error: unknown, path: string): HostError {
  if (isHostError(error)) return error;
  const options = { details: { path }, cause: error };
  const sqlite = sqliteCode(error);
  if (isSystemError(error, 'ENOSPC', 'EDQUOT') || sqlite === SQLITE.FULL) {
    return diskFull(path, error);
  }
  if (isSystemError(error, 'EBUSY', 'ETXTBSY')) return fileInUse(path, error);
  const isRefused = isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR');
  if (isRefused || sqlite === SQLITE.READONLY || sqlite === SQLITE.CANTOPEN) {
    return noWritePermission(path, error);
  }
  const code = typeof error === 'object' && error !== null && 'code' in error ? ` (${String(error.code)})` : '';
  return new HostError('CACHE_ERROR', `Could not read or write ${path}${code}.`, options);
}
