import { closeSync, openSync } from 'node:fs';
import { isSystemError } from './errors.ts';

/**
 * Creates an empty file that only its user can read, if none exists: SQLite would create one that others can read.
 *
 * An existing file is not changed and not even opened: on POSIX, closing any descriptor of a file drops every lock that
 * the process has on it, those of SQLite included. It is synchronous so that nothing in this process can lock the file
 * between its creation and the closing of its descriptor.
 */
export function createPrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
  }
}
