import { posix, win32 } from 'node:path';
import type { Program } from '../protocol/model-sources.ts';

/** The three systems the programs' folders are known for; every other one has the conventions of Linux. */
export type Platform = 'linux' | 'darwin' | 'win32';

/** How a program arranges what it holds. */
export type Layout = 'hub-cache' | 'llama-cache' | 'publisher' | 'ollama' | 'jan' | 'plain';

/** One folder to look into. */
export interface ProgramFolder {
  readonly program: Program;
  readonly folder: string;
  readonly layout: Layout;
}

/** A file in which a program's user may have named another folder. */
export interface FolderSetting {
  readonly program: Program;
  readonly file: string;
  readonly format: 'lm-studio-home' | 'lm-studio-settings' | 'jan-settings' | 'gpt4all-ini';
}

/** What the table depends on. */
export interface PlatformEnv {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The folders in which programs keep model files, those first that the user named in the environment. A folder of the
 * user's needs `HOME` (`USERPROFILE` on Windows) in the environment; without it there is none.
 */
export function programFolders(at: PlatformEnv): ProgramFolder[] {
  const { env } = at;
  const { join, isAbsolute, home, local, roaming, cache, data } = placesOf(at);
  const folders: [Program, Layout, (string | undefined)[]][] = [
    ['huggingface', 'hub-cache', [hubCache(at)]],
    // Since March 2026 llama.cpp keeps the hub's layout, in LLAMA_CACHE where that is set.
    ['llama.cpp', 'hub-cache', [env.LLAMA_CACHE || undefined]],
    ['llama.cpp', 'llama-cache', [env.LLAMA_CACHE || under(join, cache, 'llama.cpp')]],
    [
      'lmstudio',
      'publisher',
      [under(join, home, '.lmstudio', 'models'), under(join, home, '.cache', 'lm-studio', 'models')],
    ],
    ['ollama', 'ollama', ollamaFolders(at)],
    [
      'jan',
      'jan',
      [
        under(join, data, 'Jan', 'data'),
        under(
          join,
          at.platform === 'linux' ? env.XDG_CONFIG_HOME || under(join, home, '.config') : roaming,
          'Jan',
          'data',
        ),
        under(join, home, 'jan'),
      ],
    ],
    [
      'gpt4all',
      'plain',
      [
        under(join, at.platform === 'win32' ? local : data, 'nomic.ai', 'GPT4All'),
        under(join, home, '.cache', 'gpt4all'),
      ],
    ],
  ];
  const seen = new Set<string>();
  return folders.flatMap(([program, layout, paths]) =>
    paths.flatMap((path) => {
      const folder = home === undefined ? path : path?.replace(/^~(?=[/\\])/, () => home);
      const key = `${layout}\0${folder}`;
      // A relative one would be looked for wherever the browser happened to start the host.
      if (folder === undefined || !isAbsolute(folder) || seen.has(key)) return [];
      seen.add(key);
      return [{ program, folder, layout }];
    }),
  );
}

/** Where programs note which other folder their user has chosen. */
export function folderSettings(at: PlatformEnv): FolderSetting[] {
  const { join, home, roaming, data } = placesOf(at);
  const settings: [Program, FolderSetting['format'], string | undefined][] = [
    ['lmstudio', 'lm-studio-home', under(join, home, '.lmstudio-home-pointer')],
    ['lmstudio', 'lm-studio-settings', under(join, home, '.lmstudio', 'settings.json')],
    ['lmstudio', 'lm-studio-settings', under(join, home, '.cache', 'lm-studio', 'settings.json')],
    ['jan', 'jan-settings', under(join, data, 'jan.ai.app', 'settings.json')],
    ['jan', 'jan-settings', under(join, data, 'Jan', 'settings.json')],
    // Qt writes its INI files below .config on macOS as on Linux.
    [
      'gpt4all',
      'gpt4all-ini',
      under(join, at.platform === 'win32' ? roaming : under(join, home, '.config'), 'nomic.ai', 'GPT4All.ini'),
    ],
  ];
  return settings.flatMap(([program, format, file]) => (file === undefined ? [] : [{ program, format, file }]));
}

type Join = (...parts: string[]) => string;

/** The system's folders of the user, as far as the environment tells them. */
function placesOf({ platform, env }: PlatformEnv) {
  const { join, isAbsolute } = platform === 'win32' ? win32 : posix;
  const home = (platform === 'win32' ? env.USERPROFILE : env.HOME) || undefined;
  switch (platform) {
    case 'win32': {
      const local = env.LOCALAPPDATA || under(join, home, 'AppData', 'Local');
      const roaming = env.APPDATA || under(join, home, 'AppData', 'Roaming');
      return { join, isAbsolute, home, local, roaming, cache: local, data: roaming };
    }
    case 'darwin': {
      const support = under(join, home, 'Library', 'Application Support');
      return {
        join,
        isAbsolute,
        home,
        local: support,
        roaming: support,
        cache: under(join, home, 'Library', 'Caches'),
        data: support,
      };
    }
    default: {
      const data = env.XDG_DATA_HOME || under(join, home, '.local', 'share');
      return {
        join,
        isAbsolute,
        home,
        local: data,
        roaming: data,
        cache: env.XDG_CACHE_HOME || under(join, home, '.cache'),
        data,
      };
    }
  }
}

/** huggingface_hub's own order: `HF_HUB_CACHE`, its older name, `HF_HOME`, the cache folder. */
function hubCache({ platform, env }: PlatformEnv): string | undefined {
  const { join } = platform === 'win32' ? win32 : posix;
  const named = env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE;
  if (named) return named;
  if (env.HF_HOME) return join(env.HF_HOME, 'hub');
  const home = (platform === 'win32' ? env.USERPROFILE : env.HOME) || undefined;
  // Python's library knows XDG_CACHE_HOME on every system.
  return under(join, env.XDG_CACHE_HOME || under(join, home, '.cache'), 'huggingface', 'hub');
}

/** `OLLAMA_MODELS` alone where it is set; else the user's, and on Linux that of the service's own user. */
function ollamaFolders({ platform, env }: PlatformEnv): (string | undefined)[] {
  if (env.OLLAMA_MODELS) return [env.OLLAMA_MODELS];
  if (platform === 'win32') return [under(win32.join, env.USERPROFILE || undefined, '.ollama', 'models')];
  const own = under(posix.join, env.HOME || undefined, '.ollama', 'models');
  return platform === 'linux' ? [own, '/usr/share/ollama/.ollama/models'] : [own];
}

function under(join: Join, folder: string | undefined, ...parts: string[]): string | undefined {
  return folder === undefined || folder === '' ? undefined : join(folder, ...parts);
}
