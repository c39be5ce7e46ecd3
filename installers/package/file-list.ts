import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from './entry.ts';
import type { Target } from './target.ts';

/** Name of the list of files of the packaged host. That of an add-on has its own, which begins with `FILES-`. */
export const FILE_LIST = 'FILES.txt';

/** Name of the file that tells installers what a package is for, before they change anything. */
const PACKAGE_FACTS = 'PACKAGE.txt';

/**
 * Writes the list of a folder's files into it: the files, then the folders with a slash at the end, inner ones first.
 * Installers copy what it lists, and remove what the list of the installed version has, and nothing else.
 */
export function writeFileList(folder: string, name: string = FILE_LIST): void {
  // Names begin with that of the folder, which is the first entry.
  const entries = entriesOf(folder)
    .slice(1)
    .map((entry) => ({ ...entry, path: entry.name.slice(entry.name.indexOf('/') + 1) }));
  const files = new Set([...entries.filter((entry) => !entry.folder).map(({ path }) => path), name]);
  const folders = entries.filter((entry) => entry.folder).map(({ path }) => `${path}/`);
  const lines = [...[...files].sort(), ...folders.sort().reverse()];
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''));
}

/** Writes what a package needs: the platform, the processor, and the disk space in KiB. */
export function writePackageFacts(folder: string, facts: { target: Target; version: string; bytes: number }): void {
  const { target, version, bytes } = facts;
  const lines = [
    `version ${version}`,
    `system ${target.system}`,
    `cpu ${target.cpu}`,
    `kib ${Math.ceil(bytes / 1024)}`,
  ];
  writeFileSync(join(folder, PACKAGE_FACTS), lines.map((line) => `${line}\n`).join(''));
}
