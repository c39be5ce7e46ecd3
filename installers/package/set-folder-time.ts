import { lutimesSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Sets the modification time of a folder and everything in it, for tools that copy modification times into their
 * output.
 *
 * @param time Seconds since 1970.
 */
export function setFolderTime(folder: string, time: number): void {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  for (const path of [...paths, folder]) lutimesSync(path, time, time);
}
