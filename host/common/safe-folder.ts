import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError, isSystemError } from './errors.ts';

/** Permission bit: everybody may write. */
export const OTHERS_WRITE = 0o002;

/** Permission bit: in this folder only an entry's owner may rename or remove it (`/tmp` has it). */
export const STICKY = 0o1000;

/** Who may own what is started. */
export interface SafetyOptions {
  /** User ids. What all users start must belong to root or to who installs it; absent, owners are not looked at. */
  readonly owners?: readonly number[] | undefined;
}

/**
 * Makes sure that nobody else can exchange a program that is going to be started. Follows links, then walks from the
 * file to the root, and throws `UNSAFE_FOLDER` when
 * - everybody may write the file, or the folder it lies in (sticky or not: files planted beside a program can change
 *   what it does), or
 * - everybody may write a folder further up that is not sticky (its subfolder could be exchanged), or
 * - the file or a folder belongs to none of `owners`.
 *
 * Groups are let be: many systems give each user a group of their own, and package managers one to administrators.
 * Throws `REGISTRATION_FAILED` when the file is not there. Means nothing on Windows, whose permissions are not in
 * these bits.
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
 * The same for a folder in which a program is going to be written. Folders that are not there yet are made by the
 * installer, and so are safe when those above them are.
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
