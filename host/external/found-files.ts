import type { BoundedFolder } from './bounded-folder.ts';
import type { FoundFile } from './disk.ts';

/** Returns the files of a model in one folder; undefined if one of them is missing or cannot be used. */
export async function findFiles(
  folder: BoundedFolder,
  parts: readonly string[],
  names: readonly string[],
): Promise<FoundFile[] | undefined> {
  const files: FoundFile[] = [];
  for (const name of names) {
    const file = await folder.file(...parts, name);
    if (file === undefined) return undefined;
    files.push(file);
  }
  return files;
}
