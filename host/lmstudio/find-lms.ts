import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isSystemError } from '../common/errors.ts';
import { findProgram } from '../common/find-program.ts';
import { homeFolder } from '../common/platform.ts';

/** Longest path read from the file that points to LM Studio's folder, in bytes. */
const MAX_POINTER_BYTES = 4096;

/** What there is of LM Studio on this machine. */
export interface FoundLmStudio {
  /** Its folder; undefined where only the command was found. */
  readonly home: string | undefined;
  /** The command `lms`; undefined where LM Studio was never started, which makes it. */
  readonly lms: string | undefined;
}

/**
 * Searches for LM Studio in its own locations, the same on all systems: the folder `~/.lmstudio-home-pointer` names,
 * otherwise `~/.cache/lm-studio` (its former location), otherwise `~/.lmstudio`, each with `bin/lms`; and then for
 * `lms` in the PATH. Undefined if there is none. Source: `findLMStudioHome` of lmstudio.js, and the documentation of
 * `lms`.
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

/** What cannot be reached is as good as not there: other people's folders in a PATH, names no system takes. */
function isMissing(error: unknown): boolean {
  const codes = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'EISDIR', 'ERR_INVALID_ARG_VALUE'];
  return isSystemError(error, ...codes);
}
