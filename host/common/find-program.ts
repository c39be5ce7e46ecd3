import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import * as nodePath from 'node:path';

/** Where to search for programs. Tests describe other systems with it. */
export interface ProgramSearch {
  /** @default process.env */
  readonly env?: Readonly<NodeJS.ProcessEnv> | undefined;
  /** As Node names it. @default process.platform */
  readonly platform?: string;
  /** The path functions of the platform. @default those of this computer */
  readonly paths?: nodePath.PlatformPath;
  /** Returns whether a path is a program that this user may start. @default checks the file system */
  isProgram?(path: string): boolean;
}

/** Folders to search if `PATH` is not set or has no absolute folder: those of execvp(3), except the current folder. */
const DEFAULT_FOLDERS: readonly string[] = ['/usr/bin', '/bin'];

/**
 * Returns the absolute path of a program; undefined if there is none. Searches only absolute folders, on Windows
 * System32 first. If a bare name were passed to the system, it could start a program in the current folder, such as a
 * folder with downloads.
 *
 * @param name A name without a folder, or an absolute path. On Windows `.com` and `.exe` are added if missing. Batch
 *   files are not programs, since only a shell can start them.
 */
export function findProgram(name: string, search: ProgramSearch = {}): string | undefined {
  const { platform = process.platform, paths = nodePath, isProgram = isProgramFile } = search;
  const files = platform !== 'win32' || /\.(com|exe)$/i.test(name) ? [name] : [`${name}.com`, `${name}.exe`];
  if (isAbsolute(name, paths)) return files.find((file) => isProgram(file));
  if (name === '' || name !== paths.basename(name)) return undefined;
  for (const folder of programFolders(search)) {
    const found = files.map((file) => paths.join(folder, file)).find((file) => isProgram(file));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns the absolute path of a program. Throws if there is none. */
export function requireProgram(name: string, search: ProgramSearch = {}): string {
  const program = findProgram(name, search);
  if (program === undefined) throw new Error(`Expected the program ${name} on this computer, found none in PATH.`);
  return program;
}

/** Returns the folders to search for programs. */
export function programFolders(search: Omit<ProgramSearch, 'isProgram'> = {}): readonly string[] {
  const { platform = process.platform } = search;
  const listed = pathFolders(search);
  if (platform === 'win32') return [systemFolder(search), ...listed];
  return listed.length > 0 ? listed : DEFAULT_FOLDERS;
}

/** Returns the absolute folders that `PATH` lists. */
export function pathFolders(search: Omit<ProgramSearch, 'isProgram'> = {}): readonly string[] {
  const { env = process.env, platform = process.platform, paths = nodePath } = search;
  return (
    (variable(env, 'PATH', platform) ?? '')
      .split(paths.delimiter)
      // Windows allows quotes around a folder.
      .map((folder) => (platform === 'win32' ? folder.replace(/^"(.*)"$/, '$1') : folder))
      .filter((folder) => isAbsolute(folder, paths))
  );
}

/** Returns the folder of Windows' system programs. */
export function systemFolder(search: Omit<ProgramSearch, 'isProgram'> = {}): string {
  const { env = process.env, paths = nodePath } = search;
  const root = variable(env, 'SystemRoot', 'win32');
  return paths.join(root !== undefined && isAbsolute(root, paths) ? root : 'C:\\Windows', 'System32');
}

/** Returns an environment for a child process: the same variables, with {@link searchVariables} replaced. */
export function withSafePath(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  return { ...env, ...searchVariables(env) };
}

/**
 * Returns the variables that control where a process, its shell and its libraries search for programs, so that they do
 * not search the current folder: a `PATH` of absolute folders, and on Windows the variable that excludes the folder.
 */
export function searchVariables(
  env: Readonly<NodeJS.ProcessEnv>,
  search: Omit<ProgramSearch, 'isProgram' | 'env'> = {},
): NodeJS.ProcessEnv {
  const { platform = process.platform, paths = nodePath } = search;
  const name = variableName(env, 'PATH', platform) ?? 'PATH';
  return {
    [name]: programFolders({ ...search, env }).join(paths.delimiter),
    // Read by cmd.exe and by libuv, which Node starts programs with.
    ...(platform === 'win32' ? { NoDefaultCurrentDirectoryInExePath: '1' } : {}),
  };
}

/** Returns a variable of an environment. Names are case-insensitive on Windows (`Path`), but an object's keys are not. */
export function variable(
  env: Readonly<NodeJS.ProcessEnv>,
  name: string,
  platform: string = process.platform,
): string | undefined {
  const found = variableName(env, name, platform);
  return found === undefined ? undefined : env[found];
}

function variableName(env: Readonly<NodeJS.ProcessEnv>, name: string, platform: string): string | undefined {
  if (env[name] !== undefined) return name;
  if (platform !== 'win32') return undefined;
  return Object.keys(env).find((key) => key.toUpperCase() === name.toUpperCase());
}

/** On Windows `\folder` is relative to the current drive, though Node calls it absolute. */
function isAbsolute(path: string, paths: nodePath.PlatformPath): boolean {
  return paths.sep === '\\' ? /^([a-z]:[\\/]|[\\/]{2})/i.test(path) : paths.isAbsolute(path);
}

function isProgramFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    // On Windows the command of a Store app is a link that cannot be followed.
    return process.platform === 'win32' ? !lstatSync(path).isDirectory() : statSync(path).isFile();
  } catch {
    // It does not exist, or is in a folder that this user cannot read.
    return false;
  }
}
