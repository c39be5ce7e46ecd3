import { readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeText } from '../common/decode-text.ts';
import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { parseJson } from '../common/json-limits.ts';

/** Name of the configuration file: one user's in the data folder, and that of all users in the program folder. */
const CONFIG_FILE_NAME = 'config.json';

/** Permissions of a user's configuration, which is private, and of the one for all users, which all can read. */
export const CONFIG_MODE = { user: 0o600, system: 0o644 } as const;

/** Largest configuration file that is read, in bytes. It lists extensions, commands and engines: some kilobytes. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** Permission bits: the group or all users may write. */
const OTHERS_WRITE = 0o022;

/** Returns the path of the configuration file in a folder. */
export function configFileIn(folder: string): string {
  return join(folder, CONFIG_FILE_NAME);
}

/**
 * Reads a configuration file as JSON, without checking its fields; undefined if there is none. Synchronous, and without
 * the validation library, since every start of the host reads it.
 *
 * @throws HostError `CONFIG_UNUSABLE` if it cannot be read or parsed, or if other users can change it.
 */
export function readConfigJson(path: string): unknown {
  let bytes: Buffer;
  try {
    // Most users have no such file, and an exception would delay the start more than this.
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (process.platform !== 'win32') assertOurs(path, stats);
    // A pipe or a device has no size, and may have no end.
    if (!stats.isFile() || stats.size > MAX_CONFIG_BYTES) throw configUnusable(path, 'is not a file of at most 1 MiB');
    bytes = readFileSync(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    if (isHostError(error)) throw error;
    throw configUnusable(path, 'cannot be read', error);
  }
  try {
    return parseJson(decodeText(bytes));
  } catch (error) {
    throw configUnusable(path, NOT_VALID, error);
  }
}

/** The problem of a file whose fields are invalid. */
export const NOT_VALID = 'is not valid: expected a JSON object such as {"allowedExtensions": []}';

/** Returns the error for a configuration file that cannot be used. */
export function configUnusable(path: string, problem: string, cause?: unknown): HostError {
  return new HostError('CONFIG_UNUSABLE', `The configuration file ${path} ${problem}. Fix it or delete it.`, {
    details: { path },
    cause,
  });
}

function assertOurs(path: string, { mode, uid }: Stats): void {
  if ((mode & OTHERS_WRITE) !== 0) {
    throw configUnusable(path, `can be changed by other users (to prevent that, run: chmod go-w "${path}")`);
  }
  if (uid !== 0 && uid !== process.getuid?.()) {
    throw configUnusable(path, `belongs to user ${uid}, but must belong to you or to root`);
  }
}
