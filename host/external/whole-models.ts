import { shardFiles } from '../protocol/shards.ts';

/** Suffix of a part of a split model, as llama.cpp names them. */
const PART_SUFFIX = /-(\d{5})-of-(\d{5})\.gguf$/;

/**
 * Yields the models among the file names of one folder, each as its files in order. A split model is included only if
 * all its parts exist. Names of other files are skipped.
 */
export function* completeModels(names: readonly string[]): Generator<readonly [string, ...string[]]> {
  const present = new Set(names);
  for (const name of names) {
    if (!/\.gguf$/i.test(name)) continue;
    const part = PART_SUFFIX.exec(name);
    if (part === null) {
      yield [name];
      continue;
    }
    const [, number, count] = part;
    if (number !== '00001') continue;
    // Checked before all names are generated, because a folder can be full of files that claim a thousand parts.
    const hasSecond = count === '00001' || present.has(name.replace(PART_SUFFIX, `-00002-of-${count}.gguf`));
    const [first = name, ...others] = hasSecond ? shardFiles(name) : [];
    if (hasSecond && others.every((other) => present.has(other))) yield [first, ...others];
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
