import { HostError, isHostError } from './errors.ts';
import { storageError } from './storage-error.ts';

/** Converts an error of the file system or of a lock to a HostError. */
export function cacheError(error: unknown, path: string): HostError {
  if (isHostError(error)) return error;
  const known = storageError(error, path);
  if (known !== undefined) return known;
  const code = typeof error === 'object' && error !== null && 'code' in error ? ` (${String(error.code)})` : '';
  return new HostError('CACHE_ERROR', `Could not read or write ${path}${code}.`, { details: { path }, cause: error });
}
