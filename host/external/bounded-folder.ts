import { lstat, opendir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { type FoundFile, isUnreadable, orUndefined, readSmallText } from './disk.ts';

/** Most entries read by one scan, over all programs. A large collection has a few thousand files. */
const MAX_ENTRIES = 50_000;

/** Most entries that are reported as not read. */
const MAX_SKIPPED = 100;

/** Limits a scan: it ends when `signal` is aborted or too many entries have been read. */
export class ScanBudget {
  readonly signal: AbortSignal;
  #remaining: number;
  /** What was not read, and why. */
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

  /** False once an entry has been skipped. */
  get hasCapacity(): boolean {
    return this.#remaining >= 0 && !this.signal.aborted;
  }
}

/**
 * Deepest level of subfolders that is read. The deepest layout in use (a repository's folder in a snapshot) needs five.
 */
const MAX_DEPTH = 8;

/** Names of the entries of a folder. */
export interface Names {
  readonly folders: string[];
  readonly files: string[];
}

/**
 * A folder of another program, which is not trusted: links never lead to files outside it, folders that are links are
 * not entered (which rules out loops), and unreadable entries are treated like missing ones.
 */
export class BoundedFolder {
  readonly path: string;
  readonly budget: ScanBudget;
  readonly #real: string;
  /**
   * Paths that a listing showed to be regular files or folders below folders that are no links, and that are therefore
   * inside.
   */
  readonly #knownInside = new Set<string>();

  private constructor(path: string, real: string, budget: ScanBudget) {
    this.path = path;
    this.#real = real;
    this.budget = budget;
  }

  /** Opens a folder. Returns undefined if it does not exist or is not a folder. */
  static async open(path: string, budget: ScanBudget): Promise<BoundedFolder | undefined> {
    const real = await orUndefined(realpath(path));
    if (real === undefined || (await orUndefined(stat(real)))?.isDirectory() !== true) return undefined;
    return new BoundedFolder(path, real, budget);
  }

  /** Returns the sorted names in a folder. */
  async names(...parts: string[]): Promise<Names> {
    const names: Names = { folders: [], files: [] };
    const isPlain = parts.length === 0 || this.#knownInside.has(keyOf(parts));
    const folder = await this.#inside(parts);
    const dir = folder === undefined ? undefined : await orUndefined(opendir(folder, { bufferSize: 256 }));
    if (dir === undefined) return names;
    try {
      for await (const entry of dir) {
        if (!this.budget.spend()) break;
        if (entry.isDirectory()) names.folders.push(entry.name);
        else if (entry.isFile() || entry.isSymbolicLink()) names.files.push(entry.name);
        if (isPlain && (entry.isDirectory() || entry.isFile())) this.#knownInside.add(keyOf([...parts, entry.name]));
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
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
        this.budget.skip(`${join(this.path, ...parts, first)} is nested too deeply to be searched.`);
      return;
    }
    for (const folder of folders) {
      if (this.budget.hasCapacity) yield* this.filesBelow(...parts, folder);
    }
  }

  /** Returns a regular file, possibly through a link that stays inside this folder; undefined for anything else. */
  async file(...parts: string[]): Promise<FoundFile | undefined> {
    return (await this.fileAndTarget(...parts))?.file;
  }

  /** Returns a file like {@link file}, and the base name of the path that it resolves to. */
  async fileAndTarget(...parts: string[]): Promise<{ file: FoundFile; target: string } | undefined> {
    const real = this.budget.spend() ? await this.#inside(parts) : undefined;
    // The last component of a real path is not a link, unless it was replaced just now.
    const stats = real === undefined ? undefined : await orUndefined(lstat(real));
    if (real === undefined && parts.at(-1)?.toLowerCase().endsWith('.gguf') === true && !this.budget.signal.aborted) {
      this.budget.skip(
        `${join(this.path, ...parts)} is a link to a file that does not exist, or that is outside ${this.path}.`,
      );
    }
    if (real === undefined || stats?.isFile() !== true) return undefined;
    const { size, mtimeMs, ino: inode } = stats;
    return { file: { path: join(this.path, ...parts), size, mtimeMs, inode }, target: basename(real) };
  }

  /** Returns the content of a small text file; undefined if there is none or it is too large. */
  async text(...parts: string[]): Promise<string | undefined> {
    const real = this.budget.spend() ? await this.#inside(parts) : undefined;
    return real === undefined ? undefined : readSmallText(real);
  }

  /** Returns the real path of an entry of this folder; undefined if it does not exist or is outside. */
  async #inside(parts: readonly string[]): Promise<string | undefined> {
    if (parts.some((part) => part === '..' || part.includes('/') || part.includes(sep) || part.includes('\0')))
      return undefined;
    if (this.#knownInside.has(keyOf(parts))) return join(this.#real, ...parts);
    const real = await orUndefined(realpath(join(this.#real, ...parts)));
    if (real === undefined) return undefined;
    const relativePath = relative(this.#real, real);
    return relativePath === '..' || relativePath.startsWith(`..${sep}`) || join(this.#real, relativePath) !== real
      ? undefined
      : real;
  }
}

/** Returns the key of a relative path. */
function keyOf(parts: readonly string[]): string {
  return parts.join('/');
}
