import { type PlatformPath, posix, win32 } from 'node:path';
import type { Platform } from '../../manifests/browser.ts';
import type { Place, PlaceBase } from '../../manifests/places.ts';
import { pathFolders } from '../common/find-program.ts';

/** The computer that a registration is planned for. Planning reads nothing else. */
export interface RegistrationEnv {
  readonly system: Platform;
  /** The user's home folder. */
  readonly home: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The root of the file system; another one stages files for a package, or for a test. @default '/' */
  readonly root?: string;
  /** How paths are joined. @default as `system` does */
  readonly paths?: PlatformPath;
  /** Returns whether a file or folder exists. */
  exists(path: string): boolean;
}

/** Returns how paths of the platform are joined. */
export function pathsOf({ system, paths }: Pick<RegistrationEnv, 'system' | 'paths'>): PlatformPath {
  return paths ?? (system === 'win32' ? win32 : posix);
}

/** Returns the absolute path of a place in the browser tables; undefined if the computer has no such base. */
export function resolvePlace(place: Place, around: RegistrationEnv): string | undefined {
  const base = baseFolder(place.base, around);
  return base === undefined ? undefined : pathsOf(around).join(base, place.path);
}

/** Returns whether a place exists. */
export function placeExists(place: Place, around: RegistrationEnv): boolean {
  const path = resolvePlace(place, around);
  return path !== undefined && around.exists(path);
}

/** Commands of snaps. They run in a sandbox, which the browser tables detect by its own sign. */
const SNAP_COMMANDS = '/snap/bin';

/** Returns whether `PATH` has a program of this name. */
export function commandExists(name: string, around: RegistrationEnv): boolean {
  const paths = pathsOf(around);
  return pathFolders({ env: around.env, platform: around.system, paths })
    .filter((folder) => folder !== SNAP_COMMANDS)
    .some((folder) => around.exists(paths.join(folder, name)));
}

function baseFolder(base: PlaceBase, around: RegistrationEnv): string | undefined {
  const { home, env } = around;
  const paths = pathsOf(around);
  switch (base) {
    case 'home':
      return home;
    case 'config':
      // The XDG specification has relative paths ignored.
      return env.XDG_CONFIG_HOME && paths.isAbsolute(env.XDG_CONFIG_HOME)
        ? env.XDG_CONFIG_HOME
        : paths.join(home, '.config');
    case 'root':
      return around.root ?? '/';
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
