import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { sum } from '../../host/common/sum.ts';

/** A file or folder in an archive. */
export interface Entry {
  /** Path in the archive, with forward slashes. */
  readonly name: string;
  readonly folder: boolean;
  readonly executable: boolean;
  read(): Buffer;
}

/** Names of executable files. Windows has no permission bit to read instead. */
const EXECUTABLE = /(^|\/)tabagent-host(\.exe)?$|\.(sh|ps1)$/;

/** Returns a folder and everything in it as entries, sorted by name. Their names start with the folder's own name. */
export function entriesOf(folder: string): Entry[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  return [folder, ...paths]
    .map((path) => {
      const name = join(basename(folder), relative(folder, path)).split(sep).join('/');
      return {
        name: name.replace(/\/$/, ''),
        folder: statSync(path).isDirectory(),
        executable: EXECUTABLE.test(name),
        read: () => readFileSync(path),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns the total size of all files in a folder, in bytes. */
export function sizeOf(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => statSync(join(folder, path)));
  return sum(paths.filter((stats) => stats.isFile()).map(({ size }) => size));
}
