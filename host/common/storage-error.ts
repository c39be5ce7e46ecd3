import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname } from 'node:path';
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
  // Other threads may have closed files since then, so a file that could be opened now counts as well.
  const wereDescriptorsUsedUp =
    isUnclear && (areDescriptorsUsedUp() || (sqlite === SQLITE.CANTOPEN && isWritableDatabase(path)));
  if (isSystemError(error, 'EMFILE', 'ENFILE') || wereDescriptorsUsedUp) return tooManyFiles(path, error);
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

/** Files that SQLite opens for one database, by the ends of their names. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'] as const;

/** Returns whether this process may write to the files of a database and create others beside them. Opens nothing. */
function isWritableDatabase(path: string): boolean {
  const { R_OK, W_OK, X_OK } = constants;
  try {
    accessSync(dirname(path), W_OK | X_OK);
    return SUFFIXES.every((suffix) => {
      const stats = statSync(path + suffix, { throwIfNoEntry: false });
      if (stats !== undefined) accessSync(path + suffix, R_OK | W_OK);
      return stats?.isFile() ?? true;
    });
  } catch {
    return false;
  }
}
