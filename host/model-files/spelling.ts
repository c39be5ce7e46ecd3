import { lstat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { HostError, isSystemError } from '../common/errors.ts';
import { namesIn } from '../common/folder-entries.ts';

/** Errors for paths that do not exist or are not accessible to this user. */
const MISSING = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP'] as const;

/**
 * Returns whether the disk lists the file at `path` under another name. File systems on Windows and macOS usually
 * ignore case (and Windows has short names, `MODEL~1.GGU`), so a path can resolve to the file of another model.
 *
 * @param root Folder below which the spelling is compared.
 * @param path An existing file below it.
 */
export async function hasOtherSpelling(root: string, path: string): Promise<boolean> {
  // A cheap check first, which decides for disks that do not ignore case.
  return (await ignoresCase(path)) && (await spellingOnDisk(root, path)) !== undefined;
}

/**
 * Throws `NAME_CONFLICT` if a file at `path` would be the same file as one with another spelling, or would be in a
 * folder with another spelling.
 */
export async function assertOwnSpelling(root: string, path: string): Promise<void> {
  const found = await spellingOnDisk(root, path);
  if (found !== undefined) throw nameConflict(toRepoPath(relative(root, path)), toRepoPath(found));
}

/** Returns whether an existing path resolves to the same file in another case. */
export async function ignoresCase(path: string): Promise<boolean> {
  const other = join(dirname(path), otherCase(basename(path)));
  const [one, two] = [await statsOf(path), await statsOf(other)];
  return one !== undefined && two !== undefined && one.ino === two.ino && one.dev === two.dev;
}

/** Returns a normalized form of a name, which is equal for all names of a file on a disk that ignores case. */
export function foldCase(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Returns the error for a name that resolves to another model's file on this disk. */
export function nameConflict(wanted: string, found: string): HostError {
  return new HostError(
    'NAME_CONFLICT',
    `This disk does not distinguish ${wanted} from ${found}, which already exists. Delete that model or cancel its download, or move the cache to another disk.`,
    { details: { wanted, found } },
  );
}

/**
 * Returns the existing part of `path` below `root` as the disk spells it; undefined if `path` has the same spelling.
 */
async function spellingOnDisk(root: string, path: string): Promise<string | undefined> {
  const found: string[] = [];
  let differs = false;
  for (const part of relative(root, path).split(sep)) {
    const folder = join(root, ...found);
    const names = await namesIn(folder, ...MISSING);
    // Some macOS file systems return names in another Unicode normalization form than that of their creation.
    const same = names.find((name) => name === part) ?? names.find((name) => name.normalize() === part.normalize());
    const name = same ?? (await findReachedEntry(folder, part, names));
    if (name === undefined) break;
    differs ||= same === undefined;
    found.push(name);
  }
  return differs ? found.join(sep) : undefined;
}

/** Returns the listed name of the entry to which a differently spelled name resolves; undefined if there is none. */
async function findReachedEntry(folder: string, part: string, names: readonly string[]): Promise<string | undefined> {
  const stats = await statsOf(join(folder, part));
  if (stats === undefined) return undefined;
  const folded = names.find((name) => foldCase(name) === foldCase(part));
  if (folded !== undefined) return folded;
  for (const name of names) if ((await statsOf(join(folder, name)))?.ino === stats.ino) return name;
  return undefined;
}

async function statsOf(path: string) {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isSystemError(error, ...MISSING)) return undefined;
    throw error;
  }
}

function otherCase(name: string): string {
  const upper = name.toUpperCase();
  return upper === name ? name.toLowerCase() : upper;
}

function toRepoPath(path: string): string {
  return path.replaceAll(sep, '/');
}
