import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import * as v from 'valibot';
import { cacheError } from '../../common/cache-errors.ts';
import { isSystemError } from '../../common/errors.ts';
import { damagedFile } from '../../common/host-errors.ts';
import { cacheLocationFile, type HostPaths, relocationJournalFile } from '../../config.ts';

/** The two folders that hold a cache's bulk, and move together. Index, locks and pins stay in the home folder. */
export const MOVED = ['models', 'partial'] as const;

/** In the folder a cache was moved to: says that it is the cache's, and so that the right disk is there. */
export const MARKER = 'tabagent-cache.json';

const Folder = v.pipe(v.string(), v.check(isAbsolute), v.maxLength(4096));
const Place = v.object({ folder: Folder });

/** What is noted while a cache moves: a host that starts later ends the move, or takes it back. */
const Journal = v.object({
  from: Folder,
  to: Folder,
  /** `rename` on one disk, `copy` to another. */
  method: v.picklist(['rename', 'copy']),
});
export type Journal = v.InferOutput<typeof Journal>;

/**
 * The folder that `models` and `partial` lie in: the home folder, unless the cache was moved.
 *
 * @throws HostError `CACHE_ERROR` where the note of it cannot be read or understood: to go on without it would begin a
 * second cache.
 */
export async function readPlace(paths: Pick<HostPaths, 'home'>): Promise<string> {
  return (await readNote(cacheLocationFile(paths), Place))?.folder ?? paths.home;
}

/** The move that is under way, or was when a host died; undefined where there is none. Throws as {@link readPlace}. */
export function readJournal(paths: Pick<HostPaths, 'home'>): Promise<Journal | undefined> {
  return readNote(relocationJournalFile(paths), Journal);
}

/** Where the cache lies whose bulk is in `folder`. */
export function pathsIn<P extends Pick<HostPaths, 'models' | 'partial'>>(paths: P, folder: string): P {
  return { ...paths, models: join(folder, 'models'), partial: join(folder, 'partial') };
}

async function readNote<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw cacheError(error, path);
  }
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    throw damagedFile(path, 'the cache location', 'Fix it or delete it.', error);
  }
}
