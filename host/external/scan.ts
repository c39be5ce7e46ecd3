import type { PlatformEnv } from '../common/platform.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import { BoundedFolder, ScanBudget } from './bounded-folder.ts';
import { configuredFolders } from './configured-folders.ts';
import { readSmallText } from './disk.ts';
import type { ExternalModel, Reader } from './external-model.ts';
import { folderFromSetting } from './folder-setting.ts';
import { folderSettings, type Layout, programFolders } from './program-folders.ts';
import { readHubCache } from './read-hub-cache.ts';
import { readJan } from './read-jan.ts';
import { readLlamaCache } from './read-llama-cache.ts';
import { readOllama } from './read-ollama.ts';
import { readPlainFolder } from './read-plain.ts';
import { readPublisherFolder } from './read-publisher.ts';

/** A folder that existed and was scanned. */
export interface ScannedFolder {
  readonly source: ModelSource;
  readonly folder: string;
}

/** The models of other programs, according to file names and manifests. No model file has been opened. */
export interface ScanResult {
  readonly models: readonly ExternalModel[];
  readonly folders: readonly ScannedFolder[];
  /** Problems with the configured folders, and entries that were not read. */
  readonly problems: readonly string[];
  /** Whether everything was scanned. False if the time limit or the maximum number of entries was reached. */
  readonly complete: boolean;
}

/** Options for {@link scan}. */
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
 * Scans the folders of all programs. When `signal` is aborted, returns the models found so far, even if a disk does not
 * respond.
 */
export async function scan(options: ScanOptions): Promise<ScanResult> {
  const { signal } = options;
  const budget = new ScanBudget(signal);
  const found: { source: ModelSource; folder: string; models: ExternalModel[] }[] = [];
  const problems: string[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  if (signal.aborted) end();
  signal.addEventListener('abort', () => end(), { once: true });

  const scanFolders = async () => {
    const configured = await configuredFolders(options.configFile);
    if (configured.problem !== undefined) problems.push(configured.problem);
    const own = configured.folders.map((folder) => ({ source: 'folder' as const, folder, layout: 'plain' as const }));
    const all = [...(await foldersOf(options)), ...own];
    const open = await Promise.all(
      all.map(async ({ source, folder: path, layout }) => {
        const folder = await BoundedFolder.open(path, budget);
        if (folder === undefined && source === 'folder' && !signal.aborted) {
          problems.push(`${path}, listed in "modelFolders", does not exist or cannot be read. Is its disk connected?`);
        }
        return folder === undefined ? undefined : { source, folder, layout };
      }),
    );
    const reading = open.flatMap((one) => {
      if (one === undefined || !budget.hasCapacity) return [];
      const { source, folder, layout } = one;
      const models: ExternalModel[] = [];
      found.push({ source, folder: folder.path, models });
      return [collect(READERS[layout](folder, source), models)];
    });
    await Promise.all(reading);
  };
  await Promise.race([scanFolders(), ended]);
  // Two folders of a program can contain the same model; the first one counts.
  const models = new Map<string, ExternalModel>();
  for (const model of found.flatMap(({ models }) => models)) {
    if (!models.has(model.name.id)) models.set(model.name.id, model);
  }
  const folders = found.map(({ source, folder }) => ({ source, folder }));
  return {
    models: [...models.values()],
    folders,
    problems: [...problems, ...budget.skipped],
    complete: budget.hasCapacity,
  };
}

/** Collects models one by one, so those found so far are kept when the time limit is reached. */
async function collect(reader: Reader, models: ExternalModel[]): Promise<void> {
  for await (const model of reader) models.push(model);
}

/** Returns the folders of all programs without duplicates: those that the user chose, and the default ones. */
async function foldersOf(at: PlatformEnv): Promise<{ source: ModelSource; folder: string; layout: Layout }[]> {
  const named = await Promise.all(
    folderSettings(at).map(async (setting) => {
      const text = await readSmallText(setting.file);
      return text === undefined ? undefined : folderFromSetting(setting, text, at.platform);
    }),
  );
  const all = [...named.filter((folder) => folder !== undefined), ...programFolders(at)];
  const seen = new Map(all.map((one) => [`${one.program}\0${one.layout}\0${one.folder}`, one]));
  return [...seen.values()].map(({ program, folder, layout }) => ({ source: program, folder, layout }));
}
