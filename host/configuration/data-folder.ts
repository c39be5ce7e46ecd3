import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { HostError, isSystemError } from '../common/errors.ts';
import { OTHERS_WRITE, STICKY } from '../common/safe-folder.ts';
import { cacheLocationFile, type HostPaths, relocationJournalFile } from '../config.ts';

/** Permission bit: the group may write. */
const GROUP_WRITE = 0o020;

/**
 * Makes sure that nobody else can have put something into the data folder, or can do so later: what lies there is
 * trusted (settings, secrets, conversations, models) and written to (a link in the place of the log would have any file
 * of the user's written to). To be called once, before anything is read or written there. What is not there yet is made
 * private by whoever makes it.
 *
 * The folder, and each file and folder in it that has a meaning for the host, has to belong to the user (or to root),
 * and nobody else may be able to write to it; nor may everybody be able to exchange a folder above it. A group that has
 * the user's own number counts as the user: many systems give each user one. Means nothing on Windows, whose permissions
 * are not in these bits, and where the data folder lies in the user's profile.
 *
 * `config.json` is checked where it is read, and links in the place of models where they are followed.
 *
 * @throws HostError `UNSAFE_FOLDER`, with what to do.
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
  for (const path of rest) assertOwn(path, user, 'Somebody else may have put it there: remove it, unless you know it.');
}

function assertOwn(path: string, user: number, whenForeign: string): void {
  for (const stats of [lookAt(path), followed(path)]) {
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
    // The bits of a link itself mean nothing.
    if (stats.isSymbolicLink() || (mode & (OTHERS_WRITE | (gid === uid ? 0 : GROUP_WRITE))) === 0) continue;
    throw unsafe(
      path,
      `Other users of this machine can write to ${path}, and TabAgent keeps your data there. Make sure that everything in it is yours, and run: chmod go-w "${path}"`,
      { mode: (mode & 0o7777).toString(8) },
    );
  }
}

/** Everybody may write to a folder above only if that is one like `/tmp`, where each can rename only what is theirs. */
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

/** The path, links followed as far as there is something. */
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
    // Not to be looked at, so not to be used either: the work itself says so.
    if (isSystemError(error, 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw error;
  }
}

function unsafe(path: string, message: string, details: { uid: number } | { mode: string }): HostError {
  return new HostError('UNSAFE_FOLDER', message, { details: { path, ...details } });
}
