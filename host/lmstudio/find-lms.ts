import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isSystemError } from '../common/errors.ts';
import { findProgram } from '../common/find-program.ts';
import { homeFolder } from '../common/platform.ts';

/** Maximum size of the file with the path of LM Studio's folder, in bytes. */
const MAX_POINTER_BYTES = 4096;

/** The LM Studio installation on this computer. */
export interface FoundLmStudio {
  /** Its folder; undefined if only the command was found. */
  readonly home: string | undefined;
  /** Path of the command `lms`; undefined if LM Studio, which creates it, has never been started. */
  readonly lms: string | undefined;
}

/**
 * Searches for LM Studio in its locations, which are the same on all systems: the folder in `~/.lmstudio-home-pointer`,
 * otherwise `~/.cache/lm-studio` (its former location), otherwise `~/.lmstudio`, each with `bin/lms`; then for `lms` in
 * the PATH. Undefined if it is not found. Source: `findLMStudioHome` of lmstudio.js, and the documentation of `lms`.
 */
export async function findLmStudio(env: Readonly<NodeJS.ProcessEnv>): Promise<FoundLmStudio | undefined> {
  const user = homeFolder(env);
  const pointed = await readPointer(join(user, '.lmstudio-home-pointer'));
  const places = [pointed, join(user, '.cache', 'lm-studio'), join(user, '.lmstudio')].filter(
    (place) => place !== undefined,
  );
  const homes: string[] = [];
  for (const place of places) if (await isFolder(place)) homes.push(place);
  const [home] = homes;
  for (const name of [...homes.map((place) => join(place, 'bin', 'lms')), 'lms']) {
    const lms = findProgram(name, { env });
    if (lms !== undefined) return { home, lms };
  }
  return home === undefined ? undefined : { home, lms: undefined };
}

async function readPointer(file: string): Promise<string | undefined> {
  try {
    if ((await stat(file)).size > MAX_POINTER_BYTES) return undefined;
    const path = (await readFile(file, 'utf8')).trim();
    return isAbsolute(path) ? path : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Returns whether an error means that a path does not exist or cannot be accessed, which is equivalent here. */
function isMissing(error: unknown): boolean {
  const codes = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'ERR_INVALID_ARG_VALUE'];
  return isSystemError(error, ...codes);
}
