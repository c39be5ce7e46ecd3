import { lstat, readdir, readlink, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MARKER, MOVED_FOLDERS } from '../cache/relocation/location.ts';
import { cacheLockPath, cacheUsers, openLocation } from '../cache/relocation/open-location.ts';
import { HostError, isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { namesIn } from '../common/folder-entries.ts';
import { createLogger } from '../common/log.ts';
import { cacheLocationFile, type HostConfig, type HostPaths, readConfig, relocationJournalFile } from '../config.ts';
import { configFileIn } from '../configuration/config-text.ts';
import { environmentFileIn } from '../configuration/saved-environment.ts';
import { runningHosts } from '../presence/other-hosts.ts';
import type { CommandIo } from '../registration/command.ts';
import { removeIfEmpty } from '../registration/files.ts';
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

/** What was removed, and what was kept. */
export interface RemovedData {
  /** The paths that existed. */
  readonly removed: readonly string[];
  /** Targets of removed links. Their contents are kept: a link may lead anywhere. */
  readonly linked: readonly string[];
}

/**
 * Removes everything that a host writes in its data folder, and in the folder that its cache was moved to, and nothing
 * else there.
 *
 * @throws HostError `MODEL_IN_USE` while a host uses them; `CACHE_ERROR` if the cache was moved to a disk that is not
 *   connected.
 * @param first Runs before anything is removed, after all checks have passed.
 */
export async function removeData(paths: HostPaths, first: () => Promise<void>): Promise<RemovedData> {
  const running = await runningHosts(paths);
  if (running.length > 0) {
    const pids = running.map(({ pid }) => pid).join(', ');
    throw new HostError(
      'MODEL_IN_USE',
      `TabAgent is still running (host process ${pids}). Close the browser and end "tabagent serve", then try again.`,
    );
  }
  await assertUnused(paths);
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
  const linked = await linksOf(ours);
  for (const path of ours) await rm(path, { recursive: true, force: true, maxRetries: 5 });
  if (elsewhere.folder !== undefined) await removeIfEmpty(elsewhere.folder);
  return { removed: ours, linked };
}

/** Returns the targets of links among these paths, or directly in them: `models/`, and owner folders in it. */
async function linksOf(paths: readonly string[]): Promise<string[]> {
  const entries = await Promise.all(
    paths.map(async (path) => {
      const stats = await lstat(path);
      if (!stats.isDirectory()) return stats.isSymbolicLink() ? [path] : [];
      const inside = await readdir(path, { withFileTypes: true });
      return inside.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(path, name));
    }),
  );
  return Promise.all(entries.flat().map(async (path) => resolve(dirname(path), await readlink(path))));
}

/** Throws `MODEL_IN_USE` while a host has the cache open, also one without loaded models. */
async function assertUnused(paths: HostPaths): Promise<void> {
  if (!FileLock.isHeld(cacheLockPath(paths))) return;
  const pids = (await cacheUsers(paths)).join(', ');
  const process = pids === '' ? '' : ` (host process ${pids})`;
  throw new HostError('MODEL_IN_USE', `A TabAgent host is running${process}. Close the browser, then try again.`);
}

/**
 * Returns what remains of the cache in the folder that it was moved to. Throws `CACHE_ERROR` if its disk is not
 * connected.
 */
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
