import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { type HostError, isSystemError } from './errors.ts';
import { diskFull, fileInUse, fileTooLarge, noWritePermission, tooManyFiles } from './host-errors.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';

/**
 * Converts what the file system or SQLite reports when it cannot do its work into the error a client knows: the disk is
 * full, the file may not be written, another program has it open, the process has too many files open. Undefined for
 * anything else.
 *
 * @param path What was being read or written.
 */
export function storageError(error: unknown, path: string): HostError | undefined {
  const sqlite = sqliteCode(error);
  if (isSystemError(error, 'ENOSPC', 'EDQUOT') || sqlite === SQLITE.FULL) return diskFull(path, error);
  if (isSystemError(error, 'EFBIG')) return fileTooLarge(path, error);
  // SQLite says of a missing file descriptor only that it cannot open or read a file.
  const isUnclear = sqlite === SQLITE.CANTOPEN || sqlite === SQLITE.IOERR;
  if (isSystemError(error, 'EMFILE', 'ENFILE') || (isUnclear && areDescriptorsUsedUp())) {
    return tooManyFiles(path, error);
  }
  if (isSystemError(error, 'EBUSY', 'ETXTBSY')) return fileInUse(path, error);
  const isRefused = isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR') || isFolderRefused(error);
  if (isRefused || sqlite === SQLITE.READONLY || sqlite === SQLITE.CANTOPEN) return noWritePermission(path, error);
  return undefined;
}

/**
 * The same for an error that nothing on its way has converted: only those that leave no doubt, with the path that the
 * error itself names.
 */
export function unnamedStorageError(error: unknown): HostError | undefined {
  const isCertain =
    isSystemError(error, 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE') ||
    isFolderRefused(error) ||
    sqliteCode(error) === SQLITE.FULL;
  if (!isCertain) return undefined;
  const hasPath = typeof error === 'object' && error !== null && 'path' in error && typeof error.path === 'string';
  return storageError(error, hasPath ? String(error.path) : "one of the host's files");
}

/** On a read-only disk a folder that is made with those above it fails as if one of those were missing. */
function isFolderRefused(error: unknown): boolean {
  return isSystemError(error, 'ENOENT') && error.syscall === 'mkdir';
}

/** Files that SQLite needs at once: the database, its log, the log's index and a folder. It has closed them again by now. */
const FILES_OF_A_DATABASE = 4;

function areDescriptorsUsedUp(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < FILES_OF_A_DATABASE) opened.push(openSync(devNull, 'r'));
    return false;
  } catch (error) {
    return isSystemError(error, 'EMFILE', 'ENFILE');
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
