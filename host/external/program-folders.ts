import { type PlatformEnv, pathOf, userFolders } from '../common/platform.ts';
import type { Program } from '../protocol/model-sources.ts';

/** The layout of a program's folder of models. */
export type Layout = 'hub-cache' | 'llama-cache' | 'publisher' | 'ollama' | 'jan' | 'plain';

/** A folder to scan. */
export interface ProgramFolder {
  readonly program: Program;
  readonly folder: string;
  readonly layout: Layout;
}

/** A settings file in which the user may have chosen another folder for a program's models. */
export interface FolderSetting {
  readonly program: Program;
  readonly file: string;
  readonly format: 'lm-studio-home' | 'lm-studio-settings' | 'jan-settings' | 'gpt4all-ini';
}

/**
 * Returns the folders in which programs store model files. Folders named by environment variables take precedence over
 * the defaults. Without `HOME` (`USERPROFILE` on Windows), folders below the user's home are omitted.
 */
export function programFolders(at: PlatformEnv): ProgramFolder[] {
  const { env } = at;
  const { home, config, cache, data, localData, huggingFace } = userFolders(at);
  const under = joiner(at);
  const { isAbsolute } = pathOf(at.platform);
  const folders: [Program, Layout, (string | undefined)[]][] = [
    ['huggingface', 'hub-cache', [hubCache(at, under, huggingFace)]],
    // Since March 2026, llama.cpp uses the layout of the Hugging Face cache, in LLAMA_CACHE if it is set.
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
      // A relative path would depend on the folder in which the browser started the host.
      if (folder === undefined || !isAbsolute(folder) || seen.has(key)) return [];
      seen.add(key);
      return [{ program, folder, layout }];
    }),
  );
}

/** Returns the settings files in which programs store the folder that the user chose. */
export function folderSettings(at: PlatformEnv): FolderSetting[] {
  const { home, config, data } = userFolders(at);
  const under = joiner(at);
  const settings: [Program, FolderSetting['format'], string | undefined][] = [
    ['lmstudio', 'lm-studio-home', under(home, '.lmstudio-home-pointer')],
    ['lmstudio', 'lm-studio-settings', under(home, '.lmstudio', 'settings.json')],
    ['lmstudio', 'lm-studio-settings', under(home, '.cache', 'lm-studio', 'settings.json')],
    ['jan', 'jan-settings', under(data, 'jan.ai.app', 'settings.json')],
    ['jan', 'jan-settings', under(data, 'Jan', 'settings.json')],
    // Qt writes INI files below .config on macOS too.
    [
      'gpt4all',
      'gpt4all-ini',
      under(at.platform === 'win32' ? config : under(home, '.config'), 'nomic.ai', 'GPT4All.ini'),
    ],
  ];
  return settings.flatMap(([program, format, file]) => (file === undefined ? [] : [{ program, format, file }]));
}

/** Looks up the cache folder in the order of huggingface_hub: `HF_HUB_CACHE`, its older name, `hub` in `HF_HOME`. */
function hubCache({ env }: PlatformEnv, under: Under, huggingFace: string | undefined): string | undefined {
  return env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || under(huggingFace, 'hub');
}

/**
 * Returns only `OLLAMA_MODELS` if it is set; otherwise the user's folder and, on Linux, the folder of the system
 * service.
 */
function ollamaFolders({ platform, env }: PlatformEnv, own: string | undefined): (string | undefined)[] {
  if (env.OLLAMA_MODELS) return [env.OLLAMA_MODELS];
  return platform === 'linux' ? [own, '/usr/share/ollama/.ollama/models'] : [own];
}

type Under = (folder: string | undefined, ...parts: string[]) => string | undefined;

/** Returns a function that joins paths of a platform. It returns undefined if the folder is undefined. */
function joiner({ platform }: PlatformEnv): Under {
  const { join } = pathOf(platform);
  return (folder, ...parts) => (folder === undefined ? undefined : join(folder, ...parts));
}
