import { type PlatformEnv, pathOf, userFolders } from '../common/platform.ts';
import type { Program } from '../protocol/model-sources.ts';

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

/**
 * The folders in which programs keep model files, those first that the user named in the environment. A folder of the
 * user's needs `HOME` (`USERPROFILE` on Windows) in the environment; without it there is none.
 */
export function programFolders(at: PlatformEnv): ProgramFolder[] {
  const { env } = at;
  const { home, config, cache, data, localData, huggingFace } = userFolders(at);
  const under = joiner(at);
  const { isAbsolute } = pathOf(at.platform);
  const folders: [Program, Layout, (string | undefined)[]][] = [
    ['huggingface', 'hub-cache', [hubCache(at, under, huggingFace)]],
    // Since March 2026 llama.cpp keeps the hub's layout, in LLAMA_CACHE where that is set.
    ['llama.cpp', 'hub-cache', [env.LLAMA_CACHE || undefined]],
    ['llama.cpp', 'llama-cache', [env.LLAMA_CACHE || under(cache, 'llama.cpp')]],
    ['lmstudio', 'publisher', [under(home, '.lmstudio', 'models'), under(home, '.cache', 'lm-studio', 'models')]],
    ['ollama', 'ollama', ollamaFolders(at, under(home, '.ollama', 'models'))],
    ['jan', 'jan', [under(data, 'Jan', 'data'), under(config, 'Jan', 'data'), under(home, 'jan')]],
    ['gpt4all', 'plain', [under(localData, 'nomic.ai', 'GPT4All'), under(home, '.cache', 'gpt4all')]],
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
  const { home, config, data } = userFolders(at);
  const under = joiner(at);
  const settings: [Program, FolderSetting['format'], string | undefined][] = [
    ['lmstudio', 'lm-studio-home', under(home, '.lmstudio-home-pointer')],
    ['lmstudio', 'lm-studio-settings', under(home, '.lmstudio', 'settings.json')],
    ['lmstudio', 'lm-studio-settings', under(home, '.cache', 'lm-studio', 'settings.json')],
    ['jan', 'jan-settings', under(data, 'jan.ai.app', 'settings.json')],
    ['jan', 'jan-settings', under(data, 'Jan', 'settings.json')],
    // Qt writes its INI files below .config on macOS as on Linux.
    [
      'gpt4all',
      'gpt4all-ini',
      under(at.platform === 'win32' ? config : under(home, '.config'), 'nomic.ai', 'GPT4All.ini'),
    ],
  ];
  return settings.flatMap(([program, format, file]) => (file === undefined ? [] : [{ program, format, file }]));
}

/** The order of huggingface_hub: `HF_HUB_CACHE`, its older name, `hub` in `HF_HOME`. */
function hubCache({ env }: PlatformEnv, under: Under, huggingFace: string | undefined): string | undefined {
  return env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || under(huggingFace, 'hub');
}

/** `OLLAMA_MODELS` alone if it is set; otherwise the user's folder, and on Linux that of the service's own user. */
function ollamaFolders({ platform, env }: PlatformEnv, own: string | undefined): (string | undefined)[] {
  if (env.OLLAMA_MODELS) return [env.OLLAMA_MODELS];
  return platform === 'linux' ? [own, '/usr/share/ollama/.ollama/models'] : [own];
}

type Under = (folder: string | undefined, ...parts: string[]) => string | undefined;

/** Returns a function that joins paths of a platform; undefined below a folder that is not known. */
function joiner({ platform }: PlatformEnv): Under {
  const { join } = pathOf(platform);
  return (folder, ...parts) => (folder === undefined ? undefined : join(folder, ...parts));
}
