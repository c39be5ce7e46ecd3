import { lstat, readFile, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { removeFile } from '../common/files-in-use.ts';
import { namesIn } from '../common/folder-entries.ts';
import { parseJson } from '../common/json-limits.ts';
import { validate } from '../common/validate.ts';
import { Announcement } from './announcement.ts';
import { lockOf, type PresencePaths } from './presence.ts';

/** Maximum size of an announcement, in bytes. It has a few kilobytes for each loaded model. */
const MAX_ANNOUNCEMENT_BYTES = 1024 * 1024;

/**
 * Returns the announcements of running hosts, including this one, oldest first. Removes files that ended hosts left.
 */
export async function runningHosts(paths: PresencePaths): Promise<Announcement[]> {
  const hosts: Announcement[] = [];
  const names = await namesIn(paths.hosts);
  // A host that was killed while writing its first announcement leaves only the temporary file.
  const announced = names.flatMap((name) => /^([^.]+\.json)(?:$|\..*\.tmp$)/.exec(name)?.[1] ?? []);
  for (const base of new Set(announced)) {
    const file = join(paths.hosts, base);
    if (FileLock.isHeld(lockOf(paths, file))) {
      const host = await readAnnouncement(file);
      if (host !== undefined) hosts.push(host);
    } else {
      await removeSocket((await readAnnouncement(file))?.access?.address);
      for (const name of names) if (name.startsWith(base)) await removeFile(join(paths.hosts, name));
    }
  }
  return hosts.sort((a, b) => a.startedAt - b.startedAt);
}

/** Removes the socket of an ended host, and the folder that was created for it. Named pipes end with their process. */
async function removeSocket(path: string | undefined): Promise<void> {
  if (path === undefined || process.platform === 'win32') return;
  const isSocket = await lstat(path).then(
    (stats) => stats.isSocket(),
    () => false,
  );
  if (!isSocket) return;
  await removeFile(path);
  // The folder is removed only if it is empty.
  if (basename(dirname(path)).startsWith('tabagent-')) await rmdir(dirname(path)).catch(() => undefined);
}

/** Reads an announcement; undefined if the host has just removed it, or if another version wrote another format. */
async function readAnnouncement(file: string): Promise<Announcement | undefined> {
  try {
    if ((await stat(file)).size > MAX_ANNOUNCEMENT_BYTES) return undefined;
    const { success, output } = validate(Announcement, parseJson(await readFile(file, 'utf8')));
    return success ? output : undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
