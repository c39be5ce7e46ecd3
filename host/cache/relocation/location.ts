import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import * as v from 'valibot';
import { cacheError } from '../../common/cache-errors.ts';
import { isSystemError } from '../../common/errors.ts';
import { damagedFile } from '../../common/host-errors.ts';
import { parseJson } from '../../common/json-limits.ts';
import { assertValid } from '../../common/validate.ts';
import { cacheLocationFile, type HostPaths, relocationJournalFile } from '../../config.ts';

/**
 * The folders that are moved: models and partial files. The index, locks and pins stay in the home folder.
 */
export const MOVED_FOLDERS = ['models', 'partial'] as const;

/** Name of a file in the folder that a cache was moved to. If it is missing, the disk is not connected. */
export const MARKER = 'tabagent-cache.json';

const Folder = v.pipe(v.string(), v.check(isAbsolute), v.maxLength(4096));
const Location = v.object({ folder: Folder });

/** Record of a move in progress. It allows a host that starts later to finish or undo an interrupted move. */
const Journal = v.object({
  from: Folder,
  to: Folder,
  /** `rename` within a disk, `copy` to another disk. */
  method: v.picklist(['rename', 'copy']),
});
export type Journal = v.InferOutput<typeof Journal>;

/**
 * Returns the folder that contains `models` and `partial`: the home folder, unless the cache was moved.
 *
 * @throws HostError `CACHE_ERROR` if the location file cannot be read or is damaged. Ignoring the error would create a
 *   second cache.
 */
export async function readLocation(paths: Pick<HostPaths, 'home'>): Promise<string> {
  return (await readJsonFile(cacheLocationFile(paths), Location))?.folder ?? paths.home;
}

/**
 * Returns the move that is in progress or was interrupted; undefined if there is none. Throws like {@link
 * readLocation}.
 */
export function readJournal(paths: Pick<HostPaths, 'home'>): Promise<Journal | undefined> {
  return readJsonFile(relocationJournalFile(paths), Journal);
}

/** Returns the paths of the cache whose models and partial files are in `folder`. */
export function pathsAt<P extends Pick<HostPaths, 'models' | 'partial'>>(paths: P, folder: string): P {
  return { ...paths, models: join(folder, 'models'), partial: join(folder, 'partial') };
}

async function readJsonFile<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw cacheError(error, path);
  }
  try {
    return assertValid(schema, parseJson(text));
  } catch (error) {
    throw damagedFile(path, 'the cache location', 'Fix it or delete it.', error);
  }
}
