import { join } from 'node:path';
import { claimedShards, firstShard, presentShards } from '../protocol/shards.ts';
import type { BoundedFolder } from './bounded-folder.ts';

/**
 * Yields the models among the file names of one folder, each as the list of its files in order. A split model is
 * skipped and reported if one of its parts is missing. Names of other files are ignored.
 *
 * @param parts The path of that folder in `folder`.
 */
export function* completeModels(
  folder: BoundedFolder,
  parts: readonly string[],
  names: readonly string[],
): Generator<readonly [string, ...string[]]> {
  const present = new Set(names);
  for (const name of names) {
    if (!/\.gguf$/i.test(name)) continue;
    // A split model is found under the name of its first file.
    const isFirst = firstShard(name) === name;
    if (!isFirst && present.has(firstShard(name))) continue;
    const [first, ...others] = (isFirst ? presentShards(name, present) : undefined) ?? [];
    if (first !== undefined) yield [first, ...others];
    else {
      const path = join(folder.path, ...parts, firstShard(name));
      folder.budget.skip(`${path} is not complete: some of its ${claimedShards(name)} parts are missing.`);
    }
  }
}

/** Groups paths by their folder, in their original order. */
export function groupByFolder(paths: readonly (readonly string[])[]): { folder: string[]; names: string[] }[] {
  const folders = new Map<string, { folder: string[]; names: string[] }>();
  for (const path of paths) {
    const folder = path.slice(0, -1);
    const key = folder.join('\0');
    const found = folders.get(key) ?? { folder, names: [] };
    found.names.push(path.at(-1) ?? '');
    folders.set(key, found);
  }
  return [...folders.values()];
}
