import { type PlatformPath, posix, win32 } from 'node:path';
import type { Platform } from '../../manifests/browser.ts';
import type { BasePath, PathBase } from '../../manifests/locations.ts';
import { pathFolders } from '../common/find-program.ts';

/** The computer for which a registration is planned. Planning reads nothing else. */
export interface RegistrationEnv {
  readonly system: Platform;
  /** The user's home folder. */
  readonly home: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The root of the file system: a staging folder for a package, or a folder of a test. @default '/' */
  readonly root?: string;
  /** Path functions. @default those of `system` */
  readonly paths?: PlatformPath;
  /** Returns whether a file or folder exists. */
  exists(path: string): boolean;
}

/** Returns the path functions of the platform. */
export function pathsOf({ system, paths }: Pick<RegistrationEnv, 'system' | 'paths'>): PlatformPath {
  return paths ?? (system === 'win32' ? win32 : posix);
}

/** Returns the absolute path of a path in the browser tables; undefined if its base folder is unknown. */
export function resolvePath({ base, path }: BasePath, machine: RegistrationEnv): string | undefined {
  const folder = baseFolder(base, machine);
  return folder === undefined ? undefined : pathsOf(machine).join(folder, path);
}

/** Returns whether a path in the browser tables exists. */
export function pathExists(path: BasePath, machine: RegistrationEnv): boolean {
  const absolute = resolvePath(path, machine);
  return absolute !== undefined && machine.exists(absolute);
}

/** Folder of the commands of snaps. They run in a sandbox, which the browser tables detect separately. */
const SNAP_COMMANDS = '/snap/bin';

/** Returns whether a program with this name is in `PATH`. */
export function commandExists(name: string, machine: RegistrationEnv): boolean {
  const paths = pathsOf(machine);
  return pathFolders({ env: machine.env, platform: machine.system, paths })
    .filter((folder) => folder !== SNAP_COMMANDS)
    .some((folder) => machine.exists(paths.join(folder, name)));
}

function baseFolder(base: PathBase, machine: RegistrationEnv): string | undefined {
  const { home, env } = machine;
  const paths = pathsOf(machine);
  switch (base) {
    case 'home':
      return home;
    case 'config':
      // The XDG specification requires ignoring relative paths.
      return env.XDG_CONFIG_HOME && paths.isAbsolute(env.XDG_CONFIG_HOME)
        ? env.XDG_CONFIG_HOME
        : paths.join(home, '.config');
    case 'root':
      return machine.root ?? '/';
    case 'local':
      return env.LOCALAPPDATA || paths.join(home, 'AppData', 'Local');
    case 'roaming':
      return env.APPDATA || paths.join(home, 'AppData', 'Roaming');
    case 'programs':
      return env.ProgramFiles || undefined;
    case 'programs32':
      return env['ProgramFiles(x86)'] || undefined;
  }
}
