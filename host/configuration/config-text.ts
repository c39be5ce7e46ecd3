import { readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeText } from '../common/decode-text.ts';
import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { parseJson } from '../common/json-limits.ts';

/** Name of the configuration file. A user's is in the data folder; the one for all users is in the program folder. */
const CONFIG_FILE_NAME = 'config.json';

/** Permissions of a user's configuration file, which is private, and of the one for all users, which all can read. */
export const CONFIG_MODE = { user: 0o600, system: 0o644 } as const;

/** Maximum size of a configuration file, in bytes. It lists extensions, commands and engines: a few kilobytes. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** Permission bits: write access for the group or for all users. */
const OTHERS_WRITE = 0o022;

/** Returns the path of the configuration file in a folder. */
export function configFileIn(folder: string): string {
  return join(folder, CONFIG_FILE_NAME);
}

/**
 * Reads a configuration file as JSON, without checking its fields; undefined if it does not exist. Synchronous and
 * without the validation library, because the host reads it on every start.
 *
 * @throws HostError `CONFIG_UNUSABLE` if it cannot be read or parsed, or if other users can change it.
 */
export function readConfigJson(path: string): unknown {
  let bytes: Buffer;
  try {
    // Most users have no such file, and an exception would delay the start more than this check.
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (process.platform !== 'win32') assertOurs(path, stats);
    // A pipe or device has no size and may have no end.
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

/** Description of a file with invalid fields, as a predicate. */
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
