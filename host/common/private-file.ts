import { closeSync, openSync } from 'node:fs';
import { isSystemError } from './errors.ts';

/**
 * Creates an empty file that only its user can read, if it does not exist: SQLite would create a file that others can
 * read.
 *
 * Does not open an existing file: on POSIX, closing any descriptor of a file releases all locks of the process on it,
 * including those of SQLite. Synchronous, because nothing in this process may lock the file before its descriptor is
 * closed.
 */
export function createPrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
  }
}
