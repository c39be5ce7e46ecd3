import type { BoundedFolder, FoundFile } from './bounded-folder.ts';

/** The files of a model in one folder; undefined unless all of them can be used. */
export async function foundFiles(
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
