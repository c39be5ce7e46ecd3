import { realpathSync, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { Visible } from './sandbox.ts';

/** Model files as a runner opens them: folders without links, and the name that llama.cpp derives other parts' from. */
export async function filesOf(files: readonly string[]): Promise<Visible['files']> {
  return Promise.all(
    files.map(async (file) => ({
      path: join(await realpath(dirname(file)), basename(file)),
      target: await realpath(file),
    })),
  );
}

/** A folder as it was when a runner was started, which sees that folder, whatever takes its place later. */
interface Shown {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** The folders that a warm runner sees, for it is started before its model is known. */
export class VisibleFolders {
  readonly #shown: readonly Shown[];

  /**
   * @param folders Folders in which models may be; those that do not exist are left out.
   * @param hidden Folders that hold secrets: one that contains any of them is left out.
   */
  constructor(folders: readonly string[], hidden: readonly string[]) {
    const secrets = hidden.flatMap((folder) => realFolder(folder)?.path ?? []);
    this.#shown = folders.flatMap((folder) => {
      const found = realFolder(folder);
      return found === undefined || secrets.some((secret) => isIn(secret, found.path)) ? [] : [found];
    });
  }

  get visible(): Visible {
    return { folders: this.#shown.map(({ path }) => path), files: [] };
  }

  /** Returns whether all these files are visible. Disks that were mounted later are not. */
  async shows(files: Visible['files']): Promise<boolean> {
    const shown = await Promise.all(files.flatMap(({ path, target }) => [path, target]).map((file) => this.#has(file)));
    return shown.every(Boolean);
  }

  async #has(file: string): Promise<boolean> {
    const folder = this.#shown.find(({ path }) => isIn(file, path));
    if (folder === undefined) return false;
    const [now, { dev }] = await Promise.all([stat(folder.path), stat(file)]);
    return now.dev === folder.device && now.ino === folder.inode && dev === folder.device;
  }
}

function realFolder(folder: string): Shown | undefined {
  try {
    const path = realpathSync(folder);
    const { dev, ino } = statSync(path);
    return { path, device: dev, inode: ino };
  } catch {
    // It does not exist or cannot be read: then no model is loaded from it.
    return undefined;
  }
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
