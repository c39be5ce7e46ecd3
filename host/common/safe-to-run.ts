import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ancestors } from './ancestors.ts';
import { type HostError, isHostError } from './errors.ts';
import { namesIn } from './folder-entries.ts';
import { assertSafeToStart, OTHERS_WRITE } from './safe-folder.ts';

/** Matches files that a runner loads as code: llama.cpp's binaries and the runner's scripts. */
const CODE = /\.(node|so[.\d]*|dylib|dll|c?js|mjs)$/;

/**
 * Returns the error if runners must not be started, because other users could have replaced code that they run (the
 * program, the runner, or a GPU add-on); otherwise undefined. Always undefined on Windows, whose permissions are not in
 * the mode bits.
 *
 * @param entry The module with which runners are started.
 */
export async function whyUnsafeToRun(entry: URL): Promise<HostError | undefined> {
  if (process.platform === 'win32') return undefined;
  const main = fileURLToPath(entry);
  try {
    const folders = await binaryFolders(main);
    const starts = await Promise.all(folders.map(firstCodeIn));
    const files = [process.execPath, main, ...starts.filter((file) => file !== undefined)];
    await Promise.all([...new Set(files)].map((file) => assertSafeToStart(file)));
    return undefined;
  } catch (error) {
    if (isHostError(error)) return error;
    throw error;
  }
}

/**
 * Returns the folders with code of a runner: in `lib/` of the packaged host, or next to the built one and in packages.
 */
async function binaryFolders(main: string): Promise<string[]> {
  const here = dirname(main);
  const packages = [join(here, 'lib', 'llama')];
  for (const folder of ancestors(here)) packages.push(join(folder, 'node_modules', '@node-llama-cpp'));
  const found = await Promise.all(packages.map(binsOf));
  const scripts = ['runner', 'keychain'].flatMap((name) => [join(here, name), join(here, 'lib', name)]);
  return [...scripts, ...found.flat()];
}

/** Returns `<package>/bins/<build>` of every package in a folder. */
async function binsOf(folder: string): Promise<string[]> {
  const bins = (await pathsIn(folder)).map((path) => join(path, 'bins'));
  return (await Promise.all(bins.map(pathsIn))).flat();
}

/** Returns a code file in a folder to check: one that other users can write, if there is one, else the first one. */
async function firstCodeIn(folder: string): Promise<string | undefined> {
  const files = (await pathsIn(folder)).filter((path) => CODE.test(path));
  const modes = await Promise.all(files.map(async (file) => (await stat(file)).mode));
  return files.find((_, index) => ((modes[index] ?? 0) & OTHERS_WRITE) !== 0) ?? files[0];
}

/**
 * Returns the paths in a folder; an empty list if it does not exist or cannot be read: a runner cannot read it either.
 */
async function pathsIn(folder: string): Promise<string[]> {
  return (await namesIn(folder, 'ENOTDIR', 'EACCES')).map((name) => join(folder, name));
}
