import { homedir } from 'node:os';
import { type PlatformPath, posix, win32 } from 'node:path';
import { variable } from './find-program.ts';

/** The platforms whose conventions are known. Others use those of Linux. */
export type Platform = 'linux' | 'darwin' | 'win32';

/** A platform and the environment of a user on it. Tests simulate another computer with it. */
export interface PlatformEnv {
  readonly platform: Platform;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

/** The user's folders; undefined if the environment does not define them, for example without `HOME`. */
export interface UserFolders {
  readonly home: string | undefined;
  /** `XDG_CONFIG_HOME`, `~/Library/Application Support`, `%APPDATA%` */
  readonly config: string | undefined;
  /** `XDG_DATA_HOME`, `~/Library/Application Support`, `%APPDATA%` */
  readonly data: string | undefined;
  /** Data that stays on this computer: `XDG_DATA_HOME`, `~/Library/Application Support`, `%LOCALAPPDATA%` */
  readonly localData: string | undefined;
  /** `XDG_CACHE_HOME`, `~/Library/Caches`, `%LOCALAPPDATA%` */
  readonly cache: string | undefined;
  /** `HF_HOME` or its default, the folder of the Hugging Face libraries. */
  readonly huggingFace: string | undefined;
}

/** Returns the platform for Node's name of a platform. */
export function platformOf(name: NodeJS.Platform = process.platform): Platform {
  return name === 'win32' || name === 'darwin' ? name : 'linux';
}

/** Returns the path functions of a platform. */
export function pathOf(platform: Platform): PlatformPath {
  return platform === 'win32' ? win32 : posix;
}

/** Returns the user's home folder, from the environment or else from the system. */
export function homeFolder(env: Readonly<NodeJS.ProcessEnv>, platform: Platform = platformOf()): string {
  return variable(env, platform === 'win32' ? 'USERPROFILE' : 'HOME', platform) || homedir();
}

/** Returns the user's folders according to the environment and the conventions of the platform. */
export function userFolders({ platform, env }: PlatformEnv): UserFolders {
  const { join, isAbsolute } = pathOf(platform);
  const home = variable(env, platform === 'win32' ? 'USERPROFILE' : 'HOME', platform) || undefined;
  const inHome = (...parts: string[]) => (home === undefined ? undefined : join(home, ...parts));
  // The XDG specification requires ignoring relative paths.
  const xdg = (name: string, ...parts: string[]) => {
    const folder = variable(env, name, platform);
    return folder && isAbsolute(folder) ? folder : inHome(...parts);
  };
  // The Hugging Face libraries use the XDG variable on every platform.
  const base = xdg('XDG_CACHE_HOME', '.cache');
  const huggingFace =
    variable(env, 'HF_HOME', platform) || (base === undefined ? undefined : join(base, 'huggingface'));
  switch (platform) {
    case 'win32': {
      const roaming = variable(env, 'APPDATA', platform) || inHome('AppData', 'Roaming');
      const local = variable(env, 'LOCALAPPDATA', platform) || inHome('AppData', 'Local');
      return { home, config: roaming, data: roaming, localData: local, cache: local, huggingFace };
    }
    case 'darwin': {
      const support = inHome('Library', 'Application Support');
      const cache = inHome('Library', 'Caches');
      return { home, config: support, data: support, localData: support, cache, huggingFace };
    }
    default: {
      const data = xdg('XDG_DATA_HOME', '.local', 'share');
      return { home, config: xdg('XDG_CONFIG_HOME', '.config'), data, localData: data, cache: base, huggingFace };
    }
  }
}

/**
 * Returns the folders of the user who runs this process. If the environment does not define a home folder, as in a
 * service, uses that of the system.
 */
export function ownFolders(env: Readonly<NodeJS.ProcessEnv>): { readonly [K in keyof UserFolders]: string } {
  const platform = platformOf();
  const home = homeFolder(env, platform);
  const folders = userFolders({ platform, env: { ...env, [platform === 'win32' ? 'USERPROFILE' : 'HOME']: home } });
  // With a home folder, every other folder has a default.
  return folders as { readonly [K in keyof UserFolders]: string };
}
