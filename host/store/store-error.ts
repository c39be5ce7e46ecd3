import { HostError, isSystemError } from '../common/errors.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';

/** Makes an error a person understands of what SQLite or the file system said. */
export function storeError(error: unknown, file: string): HostError {
  if (error instanceof HostError) return error;
  const details = { file };
  const sqlite = sqliteCode(error);
  if (sqlite === SQLITE.FULL || isSystemError(error, 'ENOSPC', 'EDQUOT')) {
    return new HostError('DISK_FULL', `The disk is full: ${file} cannot be written. Free some space and try again.`, {
      details,
      cause: error,
    });
  }
  if (
    sqlite === SQLITE.READONLY ||
    sqlite === SQLITE.CANTOPEN ||
    isSystemError(error, 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EISDIR', 'EEXIST')
  ) {
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
