import type { PlatformEnv } from '../common/platform.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import { BoundedFolder } from './bounded-folder.ts';
import { configuredFolders } from './configured-folders.ts';
import { readSmallText } from './disk.ts';
import type { ExternalModel, Reader } from './external-model.ts';
import { namedFolder } from './named-folder.ts';
import { folderSettings, type Layout, programFolders } from './program-folders.ts';
import { readHubCache } from './read-hub-cache.ts';
import { readJan } from './read-jan.ts';
import { readLlamaCache } from './read-llama-cache.ts';
import { readOllama } from './read-ollama.ts';
import { readPlainFolder } from './read-plain.ts';
import { readPublisherFolder } from './read-publisher.ts';
import { ScanBudget } from './scan-budget.ts';

/** A folder that was there to be looked into. */
export interface ScannedFolder {
  readonly source: ModelSource;
  readonly folder: string;
}

/** What the programs hold by their own word: nothing was opened yet. */
export interface Findings {
  readonly models: readonly ExternalModel[];
  readonly folders: readonly ScannedFolder[];
  /** What is wrong with the user's own list of folders. */
  readonly problems: readonly string[];
  /** False when time or the number of entries allowed ran out. */
  readonly complete: boolean;
}

/** What is looked for, and how long. */
export interface ScanOptions extends PlatformEnv {
  /** The host's own `config.json`. */
  readonly configFile: string;
  readonly signal: AbortSignal;
}

const READERS: Readonly<Record<Layout, (folder: BoundedFolder, source: ModelSource) => Reader>> = {
  'hub-cache': readHubCache,
  'llama-cache': readLlamaCache,
  publisher: readPublisherFolder,
  ollama: readOllama,
  jan: readJan,
  plain: readPlainFolder,
};

/**
 * Goes through the folders of every program. Ends with `signal` at the latest, even where a disk does not answer, with
 * what was found until then.
 */
export async function scan(options: ScanOptions): Promise<Findings> {
  const { signal } = options;
  const budget = new ScanBudget(signal);
  const found: { source: ModelSource; folder: string; models: ExternalModel[] }[] = [];
  const problems: string[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  if (signal.aborted) end();
  signal.addEventListener('abort', () => end(), { once: true });

  const look = async () => {
    const configured = await configuredFolders(options.configFile);
    if (configured.problem !== undefined) problems.push(configured.problem);
    const own = configured.folders.map((folder) => ({ source: 'folder' as const, folder, layout: 'plain' as const }));
    const all = [...(await foldersOf(options)), ...own];
    const open = await Promise.all(
      all.map(async ({ source, folder: path, layout }) => {
        const folder = await BoundedFolder.open(path, budget);
        return folder === undefined ? undefined : { source, folder, layout };
      }),
    );
    const reading = open.flatMap((one) => {
      if (one === undefined || !budget.isWhole) return [];
      const { source, folder, layout } = one;
      const models: ExternalModel[] = [];
      found.push({ source, folder: folder.path, models });
      return [collect(READERS[layout](folder, source), models)];
    });
    await Promise.all(reading);
  };
  await Promise.race([look(), ended]);
  // One program's two folders can hold the same: the first one counts.
  const models = new Map<string, ExternalModel>();
  for (const model of found.flatMap(({ models }) => models)) {
    if (!models.has(model.name.id)) models.set(model.name.id, model);
  }
  const folders = found.map(({ source, folder }) => ({ source, folder }));
  return { models: [...models.values()], folders, problems, complete: budget.isWhole };
}

/** Takes what a reader finds one by one: what was found counts even when there is no time for the rest. */
async function collect(reader: Reader, models: ExternalModel[]): Promise<void> {
  for await (const model of reader) models.push(model);
}

/** The table's folders and those that programs' users chose, each once. */
async function foldersOf(at: PlatformEnv): Promise<{ source: ModelSource; folder: string; layout: Layout }[]> {
  const named = await Promise.all(
    folderSettings(at).map(async (setting) => {
      const text = await readSmallText(setting.file);
      return text === undefined ? undefined : namedFolder(setting, text, at.platform);
    }),
  );
  const all = [...named.filter((folder) => folder !== undefined), ...programFolders(at)];
  const seen = new Map(all.map((one) => [`${one.program}\0${one.layout}\0${one.folder}`, one]));
  return [...seen.values()].map(({ program, folder, layout }) => ({ source: program, folder, layout }));
}
