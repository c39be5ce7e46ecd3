import { randomFillSync } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSystemError } from '../../../host/common/errors.ts';
import { markovModel } from '../gguf/markov-model.ts';
import { HOST_MAIN, HostProcess, type Message } from '../host/host-process.ts';
import { startHub, type TestHub } from '../hub/hub.ts';

/** A model on the hub. */
export interface HubModel {
  readonly id: string;
  readonly repo: string;
  readonly files: readonly string[];
  readonly quantization: string;
  readonly isLoadable: boolean;
  /** Bytes of all files. */
  readonly size: number;
}

const MiB = 1024 * 1024;
/** Number of bytes that a stalling hub sends over each connection. */
const BYTES_BEFORE_STALL = 20_000;

/** Bytes of each file of a model that cannot be loaded. */
const FILLER_BYTES = 6 * MiB;

function hubModel(repo: string, quantization: string, files: readonly string[], isLoadable: boolean): HubModel {
  const size = isLoadable ? markovModel().length : files.length * FILLER_BYTES;
  return { id: `${repo}/${files[0]}`, repo, files, quantization, isLoadable, size };
}

export const HUB_MODELS: readonly HubModel[] = [
  hubModel('tabagent/one-GGUF', 'Q4_K_M', ['one-Q4_K_M.gguf'], true),
  hubModel('tabagent/two-GGUF', 'Q8_0', ['two-Q8_0.gguf'], true),
  hubModel(
    'other/split-GGUF',
    'Q5_K_M',
    ['split-Q5_K_M-00001-of-00002.gguf', 'split-Q5_K_M-00002-of-00002.gguf'],
    false,
  ),
];

/** Returns the fields that name a model in a request, in one of several ways. */
export function namingOf({ repo, files, id, quantization }: HubModel, way: number): Message {
  const ways: readonly Message[] = [
    { modelPath: repo, modelFile: files[0] },
    { modelId: id },
    { modelPath: `${repo}:${quantization}` },
    { modelPath: repo },
  ];
  return ways[way % ways.length] ?? {};
}

/** Starts a hub with {@link HUB_MODELS}. */
export function startModelHub(): Promise<TestHub> {
  const filler = Buffer.alloc(FILLER_BYTES);
  randomFillSync(filler);
  const files = (model: HubModel) =>
    Object.fromEntries(model.files.map((file) => [file, model.isLoadable ? markovModel() : filler]));
  return startHub({ repos: Object.fromEntries(HUB_MODELS.map((model) => [model.repo, { files: files(model) }])) });
}

/** Makes downloads from a hub stall after their first bytes, or continue. */
export function setStalls(hub: TestHub, stalls: boolean): void {
  hub.clearFaults();
  if (stalls) hub.fault({ kind: 'stall', after: BYTES_BEFORE_STALL, match: ({ server }) => server === 'cdn' });
  else hub.dropDownloads();
}

/** Names of remote engines, for which keys are saved. No server listens at their URL. */
export const ENGINES = ['e0', 'e1', 'e2', 'e3'];

/** Writes the configuration of a data folder, with a size limit of the cache in bytes. */
export function configure(home: string, cacheLimit?: number): void {
  const remoteEngines = ENGINES.map((name) => ({ name, url: 'http://127.0.0.1:9/v1' }));
  const config = { remoteEngines, ...(cacheLimit === undefined ? {} : { cacheLimit: `${cacheLimit}` }) };
  writeFileSync(join(home, 'config.json'), JSON.stringify(config), { mode: 0o600 });
}

/** Starts a host whose clock differs from this computer's. */
export function startHost(home: string, hub: TestHub, clockShiftMs: number): HostProcess {
  const shiftClock = fileURLToPath(new URL('./shift-clock.ts', import.meta.url));
  return new HostProcess({
    home,
    command: [process.execPath, '--disable-warning=ExperimentalWarning', '--import', shiftClock, HOST_MAIN],
    env: { HF_ENDPOINT: hub.url, TEST_CLOCK_SHIFT_MS: String(clockShiftMs), TABAGENT_STALL_TIMEOUT_MS: '600000' },
  });
}

/**
 * Returns the relative paths of all files in a folder, with forward slashes. Tolerates folders that a running host
 * removes.
 */
export function filesIn(folder: string): string[] {
  return entriesOf(folder)
    .flatMap((entry) => {
      if (entry.isFile()) return [entry.name];
      return entry.isDirectory() ? filesIn(join(folder, entry.name)).map((path) => `${entry.name}/${path}`) : [];
    })
    .sort();
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Returns the texts that occur in any file of a folder, except models and partial downloads. */
export function textsIn(folder: string, texts: ReadonlySet<string>): string[] {
  const contents = filesIn(folder)
    .filter((path) => !/^(models|partial)\//.test(path))
    .map((path) => {
      try {
        return readFileSync(join(folder, path), 'latin1');
      } catch {
        return '';
      }
    });
  return [...texts].filter((text) => contents.some((content) => content.includes(text)));
}
