import { accessSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname, parse } from 'node:path';
import { type HostError, isSystemError } from './errors.ts';
import { diskFull, driveMissing, fileInUse, fileTooLarge, noWritePermission, tooManyFiles } from './host-errors.ts';
import { SQLITE, sqliteCode } from './sqlite-code.ts';

/**
 * Converts an error of the file system or SQLite to a HostError if it means that the disk is full, write permission is
 * missing, another program has the file open, or too many files are open. Otherwise returns undefined.
 *
 * @param path The file that was being read or written.
 */
export function storageError(error: unknown, path: string): HostError | undefined {
  const sqlite = sqliteCode(error);
  if (isSystemError(error, 'ENOSPC', 'EDQUOT') || sqlite === SQLITE.FULL) return diskFull(path, error);
  if (isSystemError(error, 'EFBIG')) return fileTooLarge(path, error);
  // If no file descriptor is left, SQLite reports only that it cannot open or read a file.
  const isUnclear = sqlite === SQLITE.CANTOPEN || sqlite === SQLITE.IOERR;
  // Other threads may have closed files since, so it is also assumed if the file could be opened now.
  const wereDescriptorsUsedUp =
    isUnclear && (areDescriptorsUsedUp() || (sqlite === SQLITE.CANTOPEN && isWritableDatabase(path)));
  if (isSystemError(error, 'EMFILE', 'ENFILE') || wereDescriptorsUsedUp) return tooManyFiles(path, error);
  if (isSystemError(error, 'EBUSY', 'ETXTBSY')) return fileInUse(path, error);
  // Windows has a root for each drive. Creating a folder on a missing drive fails with ENOENT, too.
  const { root } = parse(path);
  if (root !== '' && isFolderRefused(error) && !existsSync(root)) return driveMissing(path, root, error);
  const isRefused = isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR') || isFolderRefused(error);
  if (isRefused || sqlite === SQLITE.READONLY || sqlite === SQLITE.CANTOPEN) return noWritePermission(path, error);
  return undefined;
}

/**
 * Converts an error that was not converted earlier, with the path that it contains. Converts only unambiguous errors.
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

/** Returns whether creating a folder was denied: on a read-only disk, a recursive `mkdir` fails with ENOENT. */
function isFolderRefused(error: unknown): boolean {
  return isSystemError(error, 'ENOENT') && error.syscall === 'mkdir';
}

/** Number of files that SQLite has open at the same time: the database, its log, the log's index and a folder. */
const DATABASE_FILE_COUNT = 4;

function areDescriptorsUsedUp(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < DATABASE_FILE_COUNT) opened.push(openSync(devNull, 'r'));
    return false;
  } catch (error) {
    return isSystemError(error, 'EMFILE', 'ENFILE');
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** Suffixes of the files that SQLite opens for a database. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'] as const;

/** Returns whether this process may write to the files of a database and create further ones. Opens no file. */
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
