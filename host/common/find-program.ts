import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import * as nodePath from 'node:path';

/** Options of a search for programs. Tests simulate other systems with them. */
export interface ProgramSearch {
  /** @default process.env */
  readonly env?: Readonly<NodeJS.ProcessEnv> | undefined;
  /** Node's name of the platform. @default process.platform */
  readonly platform?: string;
  /** The path functions of the platform. @default those of this computer */
  readonly paths?: nodePath.PlatformPath;
  /** Returns whether a path is a program that this user may start. @default a check of the file system */
  isProgram?(path: string): boolean;
}

/** Folders to search if `PATH` is not set or has no absolute folder: those of execvp(3) except the current folder. */
const DEFAULT_FOLDERS: readonly string[] = ['/usr/bin', '/bin'];

/**
 * Returns the absolute path of a program; undefined if it is not found. Searches only absolute folders, on Windows
 * System32 first. Given a name without a folder, the system could start a program in the current folder, such as a
 * folder with downloads.
 *
 * @param name A name without a folder, or an absolute path. On Windows, `.com` and `.exe` are added if missing. Batch
 *   files are not found, because only a shell can start them.
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

/** Returns the absolute path of a program. Throws if it is not found. */
export function requireProgram(name: string, search: ProgramSearch = {}): string {
  const program = findProgram(name, search);
  if (program === undefined) throw new Error(`The program ${name} was not found in PATH.`);
  return program;
}

/** Returns the folders to search for programs. */
export function programFolders(search: Omit<ProgramSearch, 'isProgram'> = {}): readonly string[] {
  const { platform = process.platform } = search;
  const listed = pathFolders(search);
  if (platform === 'win32') return [systemFolder(search), ...listed];
  return listed.length > 0 ? listed : DEFAULT_FOLDERS;
}

/** Returns the absolute folders in `PATH`. */
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

/** Returns an environment for a child process, with {@link searchVariables} replaced. */
export function withSafePath(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  return { ...env, ...searchVariables(env) };
}

/**
 * Returns variables with which a process, its shell and its libraries do not search the current folder for programs: a
 * `PATH` of absolute folders, and on Windows the variable that excludes the current folder.
 */
export function searchVariables(
  env: Readonly<NodeJS.ProcessEnv>,
  search: Omit<ProgramSearch, 'isProgram' | 'env'> = {},
): NodeJS.ProcessEnv {
  const { platform = process.platform, paths = nodePath } = search;
  const name = variableName(env, 'PATH', platform) ?? 'PATH';
  return {
    [name]: programFolders({ ...search, env }).join(paths.delimiter),
    // Used by cmd.exe and by libuv, with which Node.js starts programs.
    ...(platform === 'win32' ? { NoDefaultCurrentDirectoryInExePath: '1' } : {}),
  };
}

/** Returns an environment variable. On Windows, its name is case-insensitive (`Path`), unlike the keys of an object. */
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

/** Returns whether a path is absolute. On Windows, `\folder` is relative to the current drive, unlike in Node.js. */
function isAbsolute(path: string, paths: nodePath.PlatformPath): boolean {
  return paths.sep === '\\' ? /^([a-z]:[\\/]|[\\/]{2})/i.test(path) : paths.isAbsolute(path);
}

function isProgramFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    // On Windows, the command of a Store app is a link that cannot be followed.
    return process.platform === 'win32' ? !lstatSync(path).isDirectory() : statSync(path).isFile();
  } catch {
    // The file does not exist or is in a folder that this user cannot read.
    return false;
  }
}
