import { lutimesSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Gives a folder and all in it one date, for tools that copy the date of a file into what they make. */
export function dateFolder(folder: string, time: number): void {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
  for (const path of [...paths, folder]) lutimesSync(path, time, time);
}
