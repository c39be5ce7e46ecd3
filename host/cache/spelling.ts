import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { HostError, isSystemError } from '../common/errors.ts';

/**
 * Returns whether the file at `path` is listed by the disk under another name than this one. On Windows and macOS a
 * disk usually ignores the case of letters (and Windows knows short names, `MODEL~1.GGU`), so that a path can lead to
 * the file of another model.
 *
 * @param root The folder above which the spelling does not matter.
 * @param path An existing file below it.
 */
export async function hasOtherSpelling(root: string, path: string): Promise<boolean> {
  // Most disks that do not ignore case are told apart by one look.
  return (await ignoresCase(path)) && (await spellingOnDisk(root, path)) !== undefined;
}

/** Throws `NAME_CONFLICT` when a file at `path` would be one with a file, or lie in a folder, of another spelling. */
export async function assertOwnSpelling(root: string, path: string): Promise<void> {
  const found = await spellingOnDisk(root, path);
  if (found !== undefined) throw nameConflict(asId(relative(root, path)), asId(found));
}

/** Returns whether an existing path can be reached in other letters too. */
export async function ignoresCase(path: string): Promise<boolean> {
  const other = join(dirname(path), otherCase(basename(path)));
  const [one, two] = [await statsOf(path), await statsOf(other)];
  return one !== undefined && two !== undefined && one.ino === two.ino && one.dev === two.dev;
}

/** Returns a name in the form that names of one file on a disk that ignores case have in common. */
export function foldCase(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Makes the error of a name that another model has on this disk. */
export function nameConflict(wanted: string, found: string): HostError {
  return new HostError(
    'NAME_CONFLICT',
    `This disk does not tell ${wanted} from ${found}, which is there already. Delete or cancel that one first, or move the cache to a disk that does.`,
    { details: { wanted, found } },
  );
}

/**
 * Returns the part of `path` that exists, from `root` on, as the disk spells it; undefined where that is how `path`
 * spells it.
 */
async function spellingOnDisk(root: string, path: string): Promise<string | undefined> {
  const found: string[] = [];
  let differs = false;
  for (const part of relative(root, path).split(sep)) {
    const folder = join(root, ...found);
    const names = await namesIn(folder);
    // Some file systems of macOS give back another Unicode form than they were given.
    const same = names.find((name) => name === part) ?? names.find((name) => name.normalize() === part.normalize());
    const name = same ?? (await entryReachedBy(folder, part, names));
    if (name === undefined) break;
    differs ||= same === undefined;
    found.push(name);
  }
  return differs ? found.join(sep) : undefined;
}

/** The entry of a folder that a name leads to though it is not listed so; undefined where it leads nowhere. */
async function entryReachedBy(folder: string, part: string, names: readonly string[]): Promise<string | undefined> {
  const stats = await statsOf(join(folder, part));
  if (stats === undefined) return undefined;
  const folded = names.find((name) => foldCase(name) === foldCase(part));
  if (folded !== undefined) return folded;
  for (const name of names) if ((await statsOf(join(folder, name)))?.ino === stats.ino) return name;
  return undefined;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function statsOf(path: string) {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP');
}

function otherCase(name: string): string {
  const upper = name.toUpperCase();
  return upper === name ? name.toLowerCase() : upper;
}

function asId(path: string): string {
  return path.replaceAll(sep, '/');
}
