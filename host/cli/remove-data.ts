import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MARKER, MOVED_FOLDERS } from '../cache/relocation/location.ts';
import { openLocation } from '../cache/relocation/open-location.ts';
import { HostError, isHostError, isSystemError } from '../common/errors.ts';
import { createLogger } from '../common/log.ts';
import { cacheLocationFile, type HostConfig, type HostPaths, readConfig, relocationJournalFile } from '../config.ts';
import { configFileIn } from '../configuration/config-text.ts';
import { environmentFileIn } from '../configuration/saved-environment.ts';
import { livingHosts } from '../presence/other-hosts.ts';
import type { CommandIo } from '../registration/command.ts';
import { openSecrets } from '../secrets/open-secrets.ts';

/** Returns the folders of the host of this command. */
export function readPaths(io: CommandIo): HostPaths {
  return configOf(io).paths;
}

/** Removes from the system keychain the secrets that the secrets file names, if it can be read. */
export async function forgetSecrets(io: CommandIo): Promise<void> {
  const config = configOf(io);
  const log = createLogger({ file: config.paths.logFile, debug: config.debug });
  try {
    await openSecrets(config, log).clearAll();
  } catch (error) {
    if (!isHostError(error)) throw error;
    log.warn('secrets.left', { code: error.code });
  }
}

function configOf({ env, mainPath, execPath }: CommandIo): HostConfig {
  return readConfig({ runnerEntry: pathToFileURL(mainPath ?? execPath), env });
}

/**
 * Removes everything a host writes below its home and where its cache was moved to, and nothing else that lies there. Gives the paths that were there.
 * Throws `MODEL_IN_USE` while a host has models in memory, `CACHE_ERROR` where the cache was moved to a disk that is gone.
 *
 * @param first Runs before anything is removed, after all checks have passed.
 */
export async function removeData(paths: HostPaths, first: () => Promise<void>): Promise<string[]> {
  const living = await livingHosts(paths);
  if (living.length > 0) {
    const pids = living.map(({ pid }) => pid).join(', ');
    throw new HostError(
      'MODEL_IN_USE',
      `Models are still loaded (host process ${pids}). Close the browser, then try again.`,
    );
  }
  const elsewhere = await movedCache(paths);
  await first();
  const { home, logFile, ...others } = paths;
  const written = [
    ...Object.values(others),
    ...[
      dirname(logFile),
      configFileIn(home),
      environmentFileIn(home),
      cacheLocationFile(paths),
      relocationJournalFile(paths),
    ],
  ];
  const names = (await namesIn(home)).map((name) => join(home, name));
  const ours = [...elsewhere.paths, ...names.filter((path) => written.some((one) => isOf(path, one)))];
  for (const path of ours) await rm(path, { recursive: true, force: true, maxRetries: 5 });
  if (elsewhere.folder !== undefined) await removeIfEmpty(elsewhere.folder);
  return ours;
}

/** What there is of the cache in the folder it was moved to. Throws `CACHE_ERROR` where that is on a disk that is not there. */
async function movedCache(paths: HostPaths): Promise<{ folder?: string; paths: string[] }> {
  if ((await namesIn(paths.home)).length === 0) return { paths: [] };
  // Completes or undoes an interrupted move.
  const place = await openLocation(paths, createLogger({ file: paths.logFile, debug: false }));
  place.release();
  const folder = dirname(place.paths.models);
  if (folder === paths.home) return { paths: [] };
  const names = await namesIn(folder);
  return {
    folder,
    paths: [...MOVED_FOLDERS, MARKER].filter((name) => names.includes(name)).map((name) => join(folder, name)),
  };
}

/** Returns whether a path is one that a host writes, or a file that SQLite or a repair adds to it. */
function isOf(path: string, written: string): boolean {
  return path.startsWith(written) && /^([-.]|$)/.test(path.slice(written.length));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Removes a folder if it is empty. */
export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM', 'EACCES', 'EBUSY')) throw error;
  }
}
