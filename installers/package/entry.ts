import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { sum } from '../../host/common/sum.ts';

/** One file or folder of an archive. */
export interface Entry {
  /** Path in the archive, with slashes. */
  readonly name: string;
  readonly folder: boolean;
  readonly executable: boolean;
  read(): Buffer;
}

/** Files that are started, by name; what the file system says of it is lost on Windows. */
const EXECUTABLE = /(^|\/)tabagent-host(\.exe)?$|\.(sh|ps1)$/;

/** A folder and all in it, sorted by name, under the folder's own name. */
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

/** Returns the bytes of all files in a folder. */
export function sizeOf(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => statSync(join(folder, path)));
  return sum(paths.filter((stats) => stats.isFile()).map(({ size }) => size));
}
