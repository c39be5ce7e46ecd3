import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from './entry.ts';
import type { Target } from './target.ts';

/** Name of the file list of the packaged host. An add-on has its own list, whose name starts with `FILES-`. */
export const FILE_LIST = 'FILES.txt';

/** Name of the file in which installers read a package's requirements before they change anything. */
const PACKAGE_INFO = 'PACKAGE.txt';

/**
 * Writes a list of a folder's contents into the folder: first the files, then the folders with a trailing slash, inner
 * ones first. Installers copy only what this list contains, and remove only what the list of the installed version
 * contains.
 */
export function writeFileList(folder: string, name: string = FILE_LIST): void {
  // The first entry is the folder itself, and the names of the others start with its name.
  const entries = entriesOf(folder)
    .slice(1)
    .map((entry) => ({ ...entry, path: entry.name.slice(entry.name.indexOf('/') + 1) }));
  const files = new Set([...entries.filter((entry) => !entry.folder).map(({ path }) => path), name]);
  const folders = entries.filter((entry) => entry.folder).map(({ path }) => `${path}/`);
  const lines = [...[...files].sort(), ...folders.sort().reverse()];
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''));
}

/** Writes the version and the requirements of a package: platform, processor, and disk space in KiB. */
export function writePackageInfo(folder: string, info: { target: Target; version: string; bytes: number }): void {
  const { target, version, bytes } = info;
  const lines = [
    `version ${version}`,
    `system ${target.system}`,
    `cpu ${target.cpu}`,
    `kib ${Math.ceil(bytes / 1024)}`,
  ];
  writeFileSync(join(folder, PACKAGE_INFO), lines.map((line) => `${line}\n`).join(''));
}
