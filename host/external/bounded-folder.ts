import { lstat, opendir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { type FoundFile, isUnreadable, orNothing, readSmallText } from './disk.ts';
import type { ScanBudget } from './scan-budget.ts';

/** Deepest folder below a program's own. The deepest layout in use (a repository's folder in a snapshot) needs five. */
const MAX_DEPTH = 8;

/** Names directly in a folder. */
export interface Names {
  readonly folders: string[];
  readonly files: string[];
}

/**
 * A folder of another program, read without trust: nothing outside it is opened wherever its links lead, folders that
 * are links are not entered (so there are no circles), and what cannot be read counts as not there.
 */
export class BoundedFolder {
  readonly path: string;
  readonly budget: ScanBudget;
  readonly #real: string;
  /** What a listing showed to be a plain file or folder, on a way of plain folders: that cannot lie elsewhere. */
  readonly #plain = new Set<string>();

  private constructor(path: string, real: string, budget: ScanBudget) {
    this.path = path;
    this.#real = real;
    this.budget = budget;
  }

  /** Undefined where there is no such folder. */
  static async open(path: string, budget: ScanBudget): Promise<BoundedFolder | undefined> {
    const real = await orNothing(realpath(path));
    if (real === undefined || (await orNothing(stat(real)))?.isDirectory() !== true) return undefined;
    return new BoundedFolder(path, real, budget);
  }

  /** The names in a folder, in order. */
  async names(...parts: string[]): Promise<Names> {
    const names: Names = { folders: [], files: [] };
    const isPlain = parts.length === 0 || this.#plain.has(keyOf(parts));
    const folder = await this.#inside(parts);
    const dir = folder === undefined ? undefined : await orNothing(opendir(folder, { bufferSize: 256 }));
    if (dir === undefined) return names;
    try {
      for await (const entry of dir) {
        if (!this.budget.spend()) break;
        if (entry.isDirectory()) names.folders.push(entry.name);
        else if (entry.isFile() || entry.isSymbolicLink()) names.files.push(entry.name);
        if (isPlain && (entry.isDirectory() || entry.isFile())) this.#plain.add(keyOf([...parts, entry.name]));
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    names.folders.sort();
    names.files.sort();
    return names;
  }

  /** Every file below a folder, as the parts of its path from this folder. */
  async *filesBelow(...parts: string[]): AsyncGenerator<string[]> {
    const { files, folders } = await this.names(...parts);
    for (const file of files) yield [...parts, file];
    if (parts.length >= MAX_DEPTH) return;
    for (const folder of folders) {
      if (this.budget.isWhole) yield* this.filesBelow(...parts, folder);
    }
  }

  /** A plain file, also at the end of a link that stays inside. Undefined for anything else. */
  async file(...parts: string[]): Promise<FoundFile | undefined> {
    return (await this.fileAndTarget(...parts))?.file;
  }

  /** The same, with the last part of the path that a link leads to, or of the path itself. */
  async fileAndTarget(...parts: string[]): Promise<{ file: FoundFile; target: string } | undefined> {
    const real = this.budget.spend() ? await this.#inside(parts) : undefined;
    // Of a real path the last part is no link, unless it was put there just now.
    const stats = real === undefined ? undefined : await orNothing(lstat(real));
    if (real === undefined || stats?.isFile() !== true) return undefined;
    const { size, mtimeMs, ino: inode } = stats;
    return { file: { path: join(this.path, ...parts), size, mtimeMs, inode }, target: basename(real) };
  }

  /** A small text file; undefined where there is none, or one that is too large to be what it should be. */
  async text(...parts: string[]): Promise<string | undefined> {
    const real = this.budget.spend() ? await this.#inside(parts) : undefined;
    return real === undefined ? undefined : readSmallText(real);
  }

  /** The real path of something in this folder; undefined where there is nothing, or it lies outside. */
  async #inside(parts: readonly string[]): Promise<string | undefined> {
    if (parts.some((part) => part === '..' || part.includes('/') || part.includes(sep) || part.includes('\0')))
      return undefined;
    if (this.#plain.has(keyOf(parts))) return join(this.#real, ...parts);
    const real = await orNothing(realpath(join(this.#real, ...parts)));
    if (real === undefined) return undefined;
    const way = relative(this.#real, real);
    return way === '..' || way.startsWith(`..${sep}`) || join(this.#real, way) !== real ? undefined : real;
  }
}

/** A path from a folder, as one text. */
function keyOf(parts: readonly string[]): string {
  return parts.join('/');
}
