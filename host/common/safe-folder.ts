import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError, isSystemError } from './errors.ts';

/** Permission bit: write access for all users. */
export const OTHERS_WRITE = 0o002;

/** Permission bit of a folder: only the owner of an entry may rename or remove it, as in `/tmp`. */
export const STICKY = 0o1000;

/** Options of {@link assertSafeToStart}. */
export interface SafetyOptions {
  /**
   * IDs of the users who may own the program and its folders. A program that all users start must belong to root or to
   * the installing user. Default: owners are not checked.
   */
  readonly owners?: readonly number[] | undefined;
}

/**
 * Checks that no other user can replace a program that will be started. Follows links, then checks the file and all
 * parent folders, and throws `UNSAFE_FOLDER` if
 * - all users may write to the file or its folder, sticky or not (additional files in the folder can change what the
 *   program does), or
 * - all users may write to another parent folder that is not sticky (its subfolder could be replaced), or
 * - the file or a folder belongs to a user who is not in `owners`.
 *
 * Group permissions are not checked: many systems create a private group for each user, and package managers use a
 * group of administrators. Throws `REGISTRATION_FAILED` if the file does not exist. Not for Windows, which does not use
 * these permission bits.
 */
export async function assertSafeToStart(file: string, options: SafetyOptions = {}): Promise<void> {
  const real = await realpath(file).catch((cause: unknown) => {
    throw new HostError('REGISTRATION_FAILED', `The program ${file} does not exist.`, {
      details: { path: file },
      cause,
    });
  });
  check(real, await stat(real), { ...options, stickyHelps: false });
  await assertSafeFolder(dirname(real), options);
}

/**
 * Performs the same check for a folder in which a program will be written. The installer creates missing folders, so
 * they are safe if their parents are.
 */
export async function assertSafeFolder(folder: string, options: SafetyOptions = {}): Promise<void> {
  let real: string;
  try {
    real = await realpath(folder);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    if (folder !== dirname(folder)) await walkUp(dirname(folder), options);
    return;
  }
  check(real, await stat(real), { ...options, stickyHelps: false });
  if (real !== dirname(real)) await walkUp(dirname(real), options);
}

async function walkUp(folder: string, options: SafetyOptions): Promise<void> {
  let found: Stats | undefined;
  let path = folder;
  try {
    path = await realpath(folder);
    found = await stat(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
  if (found) check(path, found, { ...options, stickyHelps: true });
  if (path !== dirname(path)) await walkUp(dirname(path), options);
}

function check(path: string, { mode, uid }: Stats, options: SafetyOptions & { stickyHelps: boolean }): void {
  if ((mode & OTHERS_WRITE) !== 0 && !(options.stickyHelps && (mode & STICKY) !== 0)) {
    throw new HostError(
      'UNSAFE_FOLDER',
      `Every user of this computer can write to ${path}, so starting a program from it is not safe. ` +
        `Restrict it (chmod o-w "${path}"), or install TabAgent elsewhere.`,
      { details: { path, mode: (mode & 0o7777).toString(8) } },
    );
  }
  if (options.owners && !options.owners.includes(uid)) {
    throw new HostError(
      'UNSAFE_FOLDER',
      `${path} belongs to user ${uid}, who could replace the program that all users’ browsers start. ` +
        'Install TabAgent in a folder owned by root, or install without --system.',
      { details: { path, uid } },
    );
  }
}
