import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { noWritePermission } from '../common/host-errors.ts';
import { storageError } from '../common/storage-error.ts';

/** Converts an error of SQLite or the file system to a HostError. */
export function storeError(error: unknown, file: string): HostError {
  if (isHostError(error)) return error;
  const known = storageError(error, file);
  if (known !== undefined) return known;
  // The path of the database is not a regular file.
  if (isSystemError(error, 'EISDIR', 'EEXIST')) return noWritePermission(file, error);
  return new HostError('CACHE_ERROR', `The database ${file} could not be used. See the log for details.`, {
    details: { file },
    cause: error,
  });
}
