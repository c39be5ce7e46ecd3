import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { HostError, isSystemError } from '../common/errors.ts';
import { OTHERS_WRITE, STICKY } from '../common/safe-folder.ts';
import { cacheLocationFile, type HostPaths, relocationJournalFile } from '../config.ts';

/** Permission bit: the group may write. */
const GROUP_WRITE = 0o020;

/**
 * Ensures that no other user can have put anything into the data folder, or can do so later. The host trusts its
 * contents (settings, secrets, conversations, models) and writes to them: a link in place of the log would overwrite
 * another file of the user. Call it once, before anything is read or written there. Missing files are created private.
 *
 * The data folder, and each file and folder in it that the host uses, must belong to the user or to root, and no other
 * user may have write permission. No folder above it may be replaceable by all users. A group with the user's own ID
 * counts as the user, because many systems give each user one. Has no meaning on Windows, which does not use these
 * permission bits and has the data folder in the user's profile.
 *
 * `config.json` is checked where it is read, and links in place of models where they are followed.
 *
 * @throws HostError `UNSAFE_FOLDER`, whose message says what to do.
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
  for (const folder of [models, partial]) if (lookAt(folder)?.isSymbolicLink() !== true) rest.push(folder);
  for (const path of rest)
    assertOwn(path, user, 'Another user may have created it. Delete it, unless you know what it is.');
}

function assertOwn(path: string, user: number, whenForeign: string): void {
  const own = lookAt(path);
  for (const stats of own?.isSymbolicLink() ? [own, followed(path)] : [own]) {
    if (stats === undefined) continue;
    const { uid, gid, mode } = stats;
    if (uid !== user && uid !== 0) {
      throw unsafe(
        path,
        `${path} belongs to another user (${uid}), and TabAgent keeps your data there. ${whenForeign}`,
        {
          uid,
        },
      );
    }
    // The permission bits of the link itself have no meaning.
    if (stats.isSymbolicLink() || (mode & (OTHERS_WRITE | (gid === uid ? 0 : GROUP_WRITE))) === 0) continue;
    throw unsafe(
      path,
      `Other users of this machine can write to ${path}, and TabAgent keeps your data there. Make sure that everything in it is yours, and run: chmod go-w "${path}"`,
      { mode: (mode & 0o7777).toString(8) },
    );
  }
}

/** All users may write to a folder above only if it is sticky, like `/tmp`, where users can rename only their own files. */
function assertAbove(home: string): void {
  for (let folder = dirname(existing(home)); ; folder = dirname(folder)) {
    const mode = followed(folder)?.mode ?? 0;
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) {
      throw unsafe(
        folder,
        `Other users of this machine can exchange what is in ${folder}, and TabAgent keeps your data in ${home}. Run: chmod o-w "${folder}", or choose another folder with TABAGENT_HOME.`,
        { mode: (mode & 0o7777).toString(8) },
      );
    }
    if (folder === dirname(folder)) return;
  }
}

/** Returns the path without links, as far as it exists. */
function existing(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function lookAt(path: string): Stats | undefined {
  return look(path, lstatSync);
}

function followed(path: string): Stats | undefined {
  return look(path, statSync);
}

function look(path: string, stat: typeof lstatSync | typeof statSync): Stats | undefined {
  try {
    return stat(path, { throwIfNoEntry: false });
  } catch (error) {
    // What cannot be examined cannot be used either; the work itself reports the error.
    if (isSystemError(error, 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw error;
  }
}

function unsafe(path: string, message: string, details: { uid: number } | { mode: string }): HostError {
  return new HostError('UNSAFE_FOLDER', message, { details: { path, ...details } });
}
