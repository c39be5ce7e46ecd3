import { firstShard, presentShards } from '../protocol/shards.ts';

/**
 * Yields the models among the file names of one folder, each as its files in order. A split model is included only if
 * all its parts exist. Names of other files are skipped.
 */
export function* completeModels(names: readonly string[]): Generator<readonly [string, ...string[]]> {
  const present = new Set(names);
  for (const name of names) {
    if (!/\.gguf$/i.test(name)) continue;
    // A split model is found under the name of its first file.
    if (firstShard(name) !== name) continue;
    const [first, ...others] = presentShards(name, present) ?? [];
    if (first !== undefined) yield [first, ...others];
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
