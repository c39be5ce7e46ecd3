import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { HostError, isSystemError } from '../common/errors.ts';
import { OTHERS_WRITE, STICKY } from '../common/safe-folder.ts';
import { cacheLocationFile, type HostPaths, relocationJournalFile } from '../config.ts';

/** Permission bit: write access for the group. */
const GROUP_WRITE = 0o020;

/**
 * Checks that no other user can write to the data folder. The host trusts its contents (settings, secrets,
 * conversations, models) and writes to them: through a link in place of the log, it would overwrite another file of the
 * user. Call this once, before anything is read or written there. The host creates missing files as private files.
 *
 * The data folder, and each file and folder in it that the host uses, must belong to the user or to root, and no other
 * user may have write permission. Its parent folders must not be replaceable by all users. A group with the same ID as
 * the user counts as the user, because many systems create one for each user. Does nothing on Windows, which does not
 * use these permission bits and has the data folder in the user's profile.
 *
 * `config.json` is checked when it is read, and links in place of models when they are followed.
 *
 * @throws HostError `UNSAFE_FOLDER` with a message that contains the remedy.
 */
export function assertOwnDataFolder(paths: HostPaths): void {
  if (process.getuid === undefined) return;
  const { home, logFile, models, partial, database, conversations, ...others } = paths;
  const user = process.getuid();
  assertOwn(home, user, `Choose another folder with TABAGENT_HOME, or remove this one.`);
  assertAbove(home);
  const files = [database, conversations].flatMap((file) => [file, `${file}-wal`, `${file}-shm`]);
  const rest = [
    ...Object.values(others),
    ...files,
    cacheLocationFile(paths),
    relocationJournalFile(paths),
    dirname(logFile),
    logFile,
    `${logFile}.1`,
  ];
  for (const folder of [models, partial]) if (linkStats(folder)?.isSymbolicLink() !== true) rest.push(folder);
  for (const path of rest)
    assertOwn(path, user, 'Another user may have created it. Delete it, unless you know what it is.');
}

function assertOwn(path: string, user: number, remedy: string): void {
  const own = linkStats(path);
  for (const stats of own?.isSymbolicLink() ? [own, targetStats(path)] : [own]) {
    if (stats === undefined) continue;
    const { uid, gid, mode } = stats;
    if (uid !== user && uid !== 0) {
      throw unsafe(path, `${path}, where TabAgent stores your data, belongs to another user (${uid}). ${remedy}`, {
        uid,
      });
    }
    // The permission bits of a link have no meaning.
    if (stats.isSymbolicLink() || (mode & (OTHERS_WRITE | (gid === uid ? 0 : GROUP_WRITE))) === 0) continue;
    throw unsafe(
      path,
      `Other users of this computer can write to ${path}, where TabAgent stores your data. Make sure that everything in it is yours, and run: chmod go-w "${path}"`,
      { mode: (mode & 0o7777).toString(8) },
    );
  }
}

/**
 * Checks that no parent folder is writable by all users, unless it is sticky, like `/tmp`, where users can rename only
 * their own files.
 */
function assertAbove(home: string): void {
  for (let folder = dirname(existing(home)); ; folder = dirname(folder)) {
    const mode = targetStats(folder)?.mode ?? 0;
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) {
      throw unsafe(
        folder,
        `Other users of this computer can replace the contents of ${folder}, and TabAgent stores your data in ${home}. Run: chmod o-w "${folder}", or choose another folder with TABAGENT_HOME.`,
        { mode: (mode & 0o7777).toString(8) },
      );
    }
    if (folder === dirname(folder)) return;
  }
}

/** Returns the real path; the path itself if it does not exist. */
function existing(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function linkStats(path: string): Stats | undefined {
  return statsOrUndefined(path, lstatSync);
}

function targetStats(path: string): Stats | undefined {
  return statsOrUndefined(path, statSync);
}

function statsOrUndefined(path: string, stat: typeof lstatSync | typeof statSync): Stats | undefined {
  try {
    return stat(path, { throwIfNoEntry: false });
  } catch (error) {
    // A path that cannot be examined cannot be used either; using it reports the error.
    if (isSystemError(error, 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw error;
  }
}

function unsafe(path: string, message: string, details: { uid: number } | { mode: string }): HostError {
  return new HostError('UNSAFE_FOLDER', message, { details: { path, ...details } });
}
