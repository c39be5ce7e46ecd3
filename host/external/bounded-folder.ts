import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { isSystemError } from '../common/errors.ts';
import { type FoundFile, isUnreadable, orUndefined, readSmallText, statFile } from './disk.ts';

/** Maximum number of entries read by one scan of all programs. A large collection has a few thousand files. */
const MAX_ENTRIES = 50_000;

/** Maximum number of entries that are reported as not read. */
const MAX_SKIPPED = 100;

/** Limits a scan: it ends when `signal` is aborted or too many entries have been read. */
export class ScanBudget {
  readonly signal: AbortSignal;
  #remaining: number;
  /** Sentences that describe what was not read, and why. */
  readonly #skipped = new Set<string>();

  constructor(signal: AbortSignal, entries = MAX_ENTRIES) {
    this.signal = signal;
    this.#remaining = entries;
  }

  /** Counts one entry. Returns false if the budget is used up. */
  spend(): boolean {
    this.#remaining -= 1;
    return this.#remaining >= 0 && !this.signal.aborted;
  }

  /** Records what was not read, and why, as a sentence. */
  skip(sentence: string): void {
    if (this.#skipped.size < MAX_SKIPPED) this.#skipped.add(sentence);
  }

  get skipped(): readonly string[] {
    return [...this.#skipped];
  }

  /** Whether more entries may be read. */
  get hasCapacity(): boolean {
    return this.#remaining >= 0 && !this.signal.aborted;
  }
}

/**
 * Maximum depth of subfolders that are read. The deepest layout in use, a repository's folder in a snapshot, needs
 * five.
 */
const MAX_DEPTH = 8;

/** Maximum number of links to other folders that are followed in one folder. Users keep models on a few disks. */
const MAX_LINKED_FOLDERS = 100;

/** Names of the entries of a folder. */
export interface Names {
  readonly folders: string[];
  readonly files: string[];
}

/**
 * A folder of another program. A link in it to a file or folder outside is followed only if both this folder and the
 * target belong to the user, who may have moved models to another disk. Links to folders that are inside or above this
 * one, or overlap with a folder that was read before, are not followed, which rules out loops. Unreadable entries are
 * treated as missing.
 */
export class BoundedFolder {
  readonly path: string;
  readonly budget: ScanBudget;
  readonly #real: string;
  /**
   * Paths that a listing showed to be regular files or folders, below folders that are not links. They are therefore
   * inside this folder.
   */
  readonly #knownInside = new Set<string>();

  /** Whether this folder belongs to the user, so nobody else can have created the links in it. */
  readonly #isOwn: boolean;
  /** Real paths of linked folders that were entered. */
  readonly #entered = new Set<string>();

  private constructor(path: string, real: string, isOwn: boolean, budget: ScanBudget) {
    this.path = path;
    this.#real = real;
    this.#isOwn = isOwn;
    this.budget = budget;
  }

  /** Opens a folder. Returns undefined if it does not exist or is not a folder. */
  static async open(path: string, budget: ScanBudget): Promise<BoundedFolder | undefined> {
    const real = await orUndefined(realpath(path));
    const stats = real === undefined ? undefined : await orUndefined(stat(real));
    if (real === undefined || stats?.isDirectory() !== true) return undefined;
    return new BoundedFolder(path, real, isUsersOwn(stats) && !isOpenToAll(stats), budget);
  }

  /** Returns the sorted names in a folder. */
  async names(...parts: string[]): Promise<Names> {
    const names: Names = { folders: [], files: [] };
    const isPlain = parts.length === 0 || this.#knownInside.has(keyOf(parts));
    const folder = await this.#resolve(parts);
    if (folder === undefined) return names;
    try {
      for await (const entry of await opendir(folder, { bufferSize: 256 })) {
        if (!this.budget.spend()) break;
        if (entry.isDirectory() || (await this.#isNewFolder(entry, parts))) names.folders.push(entry.name);
        else if (entry.isFile() || entry.isSymbolicLink()) names.files.push(entry.name);
        if (isPlain && (entry.isDirectory() || entry.isFile())) this.#knownInside.add(keyOf([...parts, entry.name]));
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (isSystemError(error, 'EACCES', 'EPERM'))
        this.budget.skip(`You do not have permission to read ${join(this.path, ...parts)}.`);
    }
    names.folders.sort();
    names.files.sort();
    return names;
  }

  /** Yields every file below a folder, as the components of its path relative to this folder. */
  async *filesBelow(...parts: string[]): AsyncGenerator<string[]> {
    const { files, folders } = await this.names(...parts);
    for (const file of files) yield [...parts, file];
    if (parts.length >= MAX_DEPTH) {
      const [first] = folders;
      if (first !== undefined)
        this.budget.skip(
          `${join(this.path, ...parts, first)} was not searched: it is more than ${MAX_DEPTH} folders deep.`,
        );
      return;
    }
    for (const folder of folders) {
      if (this.budget.hasCapacity) yield* this.filesBelow(...parts, folder);
    }
  }

  /** Returns a regular file, or the regular file that a link points to; undefined for anything else. */
  async file(...parts: string[]): Promise<FoundFile | undefined> {
    return (await this.fileAndTarget(...parts))?.file;
  }

  /** Returns a file like {@link file}, and the base name of the path that it resolves to. */
  async fileAndTarget(...parts: string[]): Promise<{ file: FoundFile; target: string } | undefined> {
    const real = this.budget.spend() ? await this.#resolve(parts) : undefined;
    // The last component of a real path is not a link, unless it has just been replaced.
    const stats = real === undefined ? undefined : await orUndefined(lstat(real));
    if (real === undefined && parts.at(-1)?.toLowerCase().endsWith('.gguf') === true && this.budget.hasCapacity) {
      this.budget.skip(
        `${join(this.path, ...parts)} is a link whose target does not exist or belongs to another user.`,
      );
    }
    if (real === undefined || stats?.isFile() !== true) return undefined;
    const { size, mtimeMs, ino: inode } = stats;
    return { file: { path: join(this.path, ...parts), size, mtimeMs, inode }, target: basename(real) };
  }

  /** Returns the content of a small text file; undefined if there is none or it is too large. */
  async text(...parts: string[]): Promise<string | undefined> {
    const real = this.budget.spend() ? await this.#resolve(parts) : undefined;
    return real === undefined ? undefined : readSmallText(real);
  }

  /**
   * Returns a model file outside this folder that a program's settings name by its absolute path. Returns undefined if
   * it does not exist, or if either it or this folder does not belong to the user.
   */
  async referenced(path: string): Promise<FoundFile | undefined> {
    const real = this.budget.spend() && path.toLowerCase().endsWith('.gguf') ? await this.#elsewhere(path) : undefined;
    const file = real === undefined ? undefined : await statFile(real);
    if (file === undefined && this.budget.hasCapacity) {
      this.budget.skip(
        `${path} (listed in ${this.path}) does not exist, is not a GGUF file, or belongs to another user.`,
      );
    }
    return file === undefined ? undefined : { ...file, path };
  }

  /**
   * Returns whether an entry is a link to a folder that should be entered, and marks that folder as entered. Folders
   * inside or above this one, or entered before, are not entered.
   */
  async #isNewFolder(entry: Dirent, parts: readonly string[]): Promise<boolean> {
    if (!entry.isSymbolicLink()) return false;
    const real = await this.#resolve([...parts, entry.name]);
    if (real === undefined || (await orUndefined(lstat(real)))?.isDirectory() !== true) return false;
    const read = [this.#real, ...this.#entered];
    if (read.length > MAX_LINKED_FOLDERS || read.some((one) => isBelow(one, real) || isBelow(real, one))) return false;
    this.#entered.add(real);
    return true;
  }

  /** Returns the real path of an entry; undefined if it does not exist or may not be used. */
  async #resolve(parts: readonly string[]): Promise<string | undefined> {
    if (parts.some((part) => part === '..' || part.includes('/') || part.includes(sep) || part.includes('\0')))
      return undefined;
    const path = join(this.#real, ...parts);
    if (this.#knownInside.has(keyOf(parts))) return path;
    const real = await orUndefined(realpath(path));
    if (real === undefined || isBelow(this.#real, real)) return real;
    return this.#elsewhere(real);
  }

  /** Returns the real path of an entry outside this folder if both belong to the user; undefined otherwise. */
  async #elsewhere(path: string): Promise<string | undefined> {
    const real = this.#isOwn ? await orUndefined(realpath(path)) : undefined;
    const stats = real === undefined ? undefined : await orUndefined(lstat(real));
    return stats !== undefined && isUsersOwn(stats) ? real : undefined;
  }
}

/** Returns whether a real path is equal to a folder or below it. */
function isBelow(folder: string, path: string): boolean {
  const relativePath = relative(folder, path);
  return relativePath !== '..' && !relativePath.startsWith(`..${sep}`) && join(folder, relativePath) === path;
}

/**
 * Returns whether a file belongs to the user of this process. Always true on Windows, where Node.js cannot tell, and
 * creating links requires a privilege.
 */
function isUsersOwn({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

/** Returns whether every user may create links in a folder. Always false on Windows, which has no such mode. */
function isOpenToAll({ mode }: Stats): boolean {
  return process.getuid !== undefined && (mode & 0o002) !== 0;
}

/** Returns the key of a relative path. */
function keyOf(parts: readonly string[]): string {
  return parts.join('/');
}
