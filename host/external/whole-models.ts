import { shardFiles } from '../protocol/shards.ts';

/** A part of a model in several files, as llama.cpp names them. */
const PART = /-(\d{5})-of-(\d{5})\.gguf$/;

/**
 * The models among the file names of one folder, each as its files in order: those in several parts only where all
 * parts are there, under their first part. Names that are not GGUF files' are passed over.
 */
export function* wholeModels(names: readonly string[]): Generator<readonly [string, ...string[]]> {
  const present = new Set(names);
  for (const name of names) {
    if (!/\.gguf$/i.test(name)) continue;
    const part = PART.exec(name);
    if (part === null) {
      yield [name];
      continue;
    }
    const [, number, count] = part;
    if (number !== '00001') continue;
    // Looked at before all names are made: a folder can be full of files that claim a thousand parts.
    const hasSecond = count === '00001' || present.has(name.replace(PART, `-00002-of-${count}.gguf`));
    const [first = name, ...others] = hasSecond ? shardFiles(name) : [];
    if (hasSecond && others.every((other) => present.has(other))) yield [first, ...others];
  }
}

/** Groups paths by their folder, both as parts, in the order they came. */
export function byFolder(paths: readonly (readonly string[])[]): { folder: string[]; names: string[] }[] {
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
