import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { diskFull, noWritePermission } from '../common/host-errors.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';

/** Makes an error a person understands of what SQLite or the file system said. */
export function storeError(error: unknown, file: string): HostError {
  if (isHostError(error)) return error;
  const details = { file };
  const sqlite = sqliteCode(error);
  if (sqlite === SQLITE.FULL || isSystemError(error, 'ENOSPC', 'EDQUOT')) {
    return diskFull(file, error);
  }
  if (
    sqlite === SQLITE.READONLY ||
    sqlite === SQLITE.CANTOPEN ||
    isSystemError(error, 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EISDIR', 'EEXIST')
  ) {
    return noWritePermission(file, error);
  }
  return new HostError('CACHE_ERROR', `The database ${file} could not be used. See the log for details.`, {
    details,
    cause: error,
  });
}
