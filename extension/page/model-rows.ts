import type { EventPayloads, PayloadOf } from '../../host/protocol/messages.ts';
import { type Capability, capabilitiesOf } from './capabilities.ts';
import { type ErrorView, viewErrorCode } from './error-view.ts';
import type { MessageKey } from './i18n.ts';
import { isFiltering, type ModelFilter, passes } from './model-filter.ts';

export type AvailableModel = PayloadOf<'GET_AVAILABLE_MODELS'>['models'][number];
export type DownloadedModel = PayloadOf<'GET_DOWNLOADED_MODELS'>['models'][number];
export type LoadedModel = PayloadOf<'GET_LOADED_MODELS'>['models'][number];
export type Download = PayloadOf<'GET_ACTIVE_DOWNLOADS'>['downloads'][number];

/** What the host's replies say about models. */
export interface ModelFacts {
  readonly available: readonly AvailableModel[];
  readonly downloaded: readonly DownloadedModel[];
  readonly loaded: readonly LoadedModel[];
  readonly downloads: readonly Download[];
  readonly current: string | null;
}

/** The state of a model. */
export type ModelStage = 'available' | 'downloading' | 'paused' | 'failed' | 'downloaded' | 'loading' | 'loaded';

/** The progress of a download or a load. */
export interface RowProgress {
  /** 0 to 100. */
  readonly percent: number;
  /** Bytes, where it is a download. */
  readonly loaded?: number;
  readonly total?: number;
  readonly bytesPerSecond?: number;
  readonly etaSeconds?: number | null;
  /** The state of the connections, as in progress events. */
  readonly connections?: number | undefined;
  readonly stalledSince?: number | null | undefined;
  readonly next?: Download['next'];
}

/** One line of the list of models. */
export interface ModelRow {
  readonly id: string;
  readonly name: string;
  /** `owner/name`; for a file of another program, that program. */
  readonly repo: string;
  readonly file: string;
  /** Bytes; 0 if unknown. */
  readonly size: number;
  /** Newer files on the hub; undefined if none are known. */
  readonly newer: DownloadedModel['newer'];
  /** Whether the row is the download of a model's newer files, or the model they are downloaded for. */
  readonly update: 'download' | 'replaced' | undefined;
  readonly quantization: string;
  /** Estimated speed on this computer; undefined if it is not known. */
  readonly tokensPerSecond: number | undefined;
  readonly description: string;
  readonly tags: readonly string[];
  readonly source: string;
  /** The kind of its file; undefined for a model. Only models can be loaded. */
  readonly kind: DownloadedModel['kind'];
  readonly capabilities: readonly Capability[];
  /** One of the models that the host's own list recommends. */
  readonly isSuggested: boolean;
  readonly needsToken: boolean;
  readonly stage: ModelStage;
  readonly active: boolean;
  /** Whether only another host has loaded it. It can be used here without taking more memory. */
  readonly isElsewhere: boolean;
  readonly progress: RowProgress | undefined;
  readonly loaded: LoadedModel | undefined;
  /** Why the last action on it failed. */
  readonly error: ErrorView | undefined;
}

/** What events report between two refreshes. */
export interface LiveFacts {
  /** By model id. */
  readonly downloads: ReadonlyMap<string, EventPayloads['MODEL_DOWNLOAD_PROGRESS']>;
  readonly loads: ReadonlyMap<string, EventPayloads['modelWorkerLoadingProgress']>;
  readonly errors: ReadonlyMap<string, ErrorView>;
  /** The ids of the models that hosts have loaded, this one or others. */
  readonly elsewhere: ReadonlySet<string>;
}

/** The order of the list: loaded first, then what is in progress, installed, available. */
const ORDER: readonly ModelStage[] = [
  'loaded',
  'loading',
  'downloading',
  'paused',
  'failed',
  'downloaded',
  'available',
];

/** Bytes of a gigabyte as Hugging Face shows it. */
const GB = 1e9;

/** Merges everything the host reported about models into one list, each model once. */
export function modelRows(facts: ModelFacts, live: LiveFacts): ModelRow[] {
  const downloads = new Map(facts.downloads.map((download) => [download.modelId, download]));
  const loaded = new Map(facts.loaded.map((model) => [model.model_id, model]));
  const entries = new Map<string, AvailableModel & Partial<Pick<DownloadedModel, 'size' | 'newer' | 'kind'>>>();
  for (const model of facts.available) entries.set(model.id, model);
  for (const model of facts.downloaded) entries.set(model.id, model);
  for (const id of [...downloads.keys(), ...loaded.keys()]) if (!entries.has(id)) entries.set(id, unlisted(id));

  const replaced = new Set(facts.downloads.map(({ updateOf }) => updateOf));

  const rows = [...entries.values()].map((entry): ModelRow => {
    const download = downloads.get(entry.id);
    const original = download?.updateOf === undefined ? undefined : entries.get(download.updateOf);
    const inMemory = loaded.get(entry.id);
    const stage = stageOf(entry, { download, inMemory, loading: live.loads.has(entry.id) });
    return {
      id: entry.id,
      name: original?.name ?? entry.name,
      repo: original?.repo_id ?? entry.repo_id,
      file: entry.file_path,
      size: entry.size ?? (inMemory?.config.file_size || download?.total || Math.round(entry.size_gb * GB)),
      newer: original?.newer ?? entry.newer,
      update: original !== undefined ? 'download' : replaced.has(entry.id) ? 'replaced' : undefined,
      quantization: entry.default_quant,
      tokensPerSecond: entry.estimate?.tokensPerSecond ?? undefined,
      description: entry.description,
      tags: entry.tags,
      source: entry.source,
      kind: entry.kind,
      capabilities:
        entry.kind === undefined
          ? capabilitiesOf({ tags: entry.tags, names: [entry.name, entry.id], reported: inMemory?.capabilities })
          : [],
      isSuggested: entry.suggested,
      needsToken: entry.requires_token,
      stage,
      active: facts.current === entry.id,
      isElsewhere: stage === 'downloaded' && live.elsewhere.has(entry.id),
      progress: progressOf(stage, download, live.downloads.get(entry.id), live.loads.get(entry.id)),
      loaded: inMemory,
      error: live.errors.get(entry.id) ?? (stage === 'failed' ? downloadError(download) : undefined),
    };
  });
  return rows.sort((a, b) => rankOf(a) - rankOf(b));
}

/** What another host has loaded, and what the user added to the list, comes first in its stage. */
function rankOf({ stage, isElsewhere, source }: ModelRow): number {
  return ORDER.indexOf(stage) - (isElsewhere || (stage === 'available' && source === 'user') ? 0.5 : 0);
}

/** A change of a model that a screen reader announces. */
export interface Announcement {
  readonly key: MessageKey;
  readonly name: string;
}

/** What to announce when a model reaches a stage. */
const STAGE_ANNOUNCEMENTS: Partial<Record<ModelStage, MessageKey>> = {
  downloading: 'announceDownloading',
  paused: 'announcePaused',
  failed: 'announceFailed',
  downloaded: 'announceDownloaded',
  loading: 'announceLoading',
  loaded: 'announceLoaded',
};

/** Returns what to announce after `rows` replaced rows with the stages `before`. */
export function announcements(before: ReadonlyMap<string, ModelStage>, rows: readonly ModelRow[]): Announcement[] {
  return rows.flatMap(({ id, name, stage }) => {
    const previous = before.get(id) ?? 'available';
    if (previous === stage) return [];
    const isUnloaded = stage === 'downloaded' && previous === 'loaded';
    const key = isUnloaded ? 'announceUnloaded' : STAGE_ANNOUNCEMENTS[stage];
    return key === undefined ? [] : [{ key, name }];
  });
}

/** Returns the rows that contain every word of the query and pass the filter. */
export function filterRows(
  rows: readonly ModelRow[],
  query: string,
  filter: ModelFilter,
  machine: Parameters<typeof passes>[2],
): ModelRow[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const isFiltered = isFiltering(filter);
  return rows.filter((row) => {
    if (isFiltered && !passes({ ...row, isFitting: isFitting(row) }, filter, machine)) return false;
    return words.every((word) => textOf(row).includes(word));
  });
}

/** The searchable text of each row, in lower case. */
const texts = new WeakMap<ModelRow, string>();

function textOf(row: ModelRow): string {
  const known = texts.get(row);
  if (known !== undefined) return known;
  const text = [row.name, row.id, row.description, ...row.tags].join(' ').toLowerCase();
  texts.set(row, text);
  return text;
}

/** A loaded model fits, however little memory is free now, and one that runs elsewhere takes none. */
function isFitting({ stage, isElsewhere, source }: ModelRow): boolean {
  return stage === 'loaded' || isElsewhere || source === 'remote';
}

function stageOf(
  entry: AvailableModel,
  now: { download: Download | undefined; inMemory: LoadedModel | undefined; loading: boolean },
): ModelStage {
  const { download, inMemory, loading } = now;
  if (inMemory !== undefined) return 'loaded';
  if (loading) return 'loading';
  if (download?.status === 'downloading' || download?.status === 'paused' || download?.status === 'failed') {
    return download.status;
  }
  return entry.downloaded ? 'downloaded' : 'available';
}

function progressOf(
  stage: ModelStage,
  download: Download | undefined,
  live: EventPayloads['MODEL_DOWNLOAD_PROGRESS'] | undefined,
  load: EventPayloads['modelWorkerLoadingProgress'] | undefined,
): RowProgress | undefined {
  if (stage === 'loading' && load !== undefined) {
    const { progress, loaded, total } = load;
    return { percent: progress, ...(loaded === undefined || total === undefined ? {} : { loaded, total }) };
  }
  if (stage === 'downloading' && live !== undefined) {
    const { progress, loaded, total, bytesPerSecond, etaSeconds } = live;
    return { percent: progress, loaded, total, bytesPerSecond, etaSeconds, ...activityOf(live) };
  }
  if (download === undefined || (stage !== 'downloading' && stage !== 'paused' && stage !== 'failed')) return undefined;
  return { percent: download.progress, loaded: download.downloaded, total: download.total, ...activityOf(download) };
}

function activityOf({ connections, stalledSince, next }: Pick<Download, 'connections' | 'stalledSince' | 'next'>) {
  return connections === undefined ? {} : { connections, stalledSince, next };
}

function downloadError(download: Download | undefined): ErrorView | undefined {
  return download?.error && viewErrorCode(download.error.code, download.error.message);
}

/** Returns an entry for a model that is loaded or being downloaded and in no list. */
function unlisted(id: string): AvailableModel {
  const [owner = '', repo = '', ...file] = id.split('/');
  const filePath = file.join('/');
  return {
    modelId: id,
    id,
    name: filePath.replace(/\.gguf$/, ''),
    repo_id: `${owner}/${repo}`,
    file_path: filePath,
    model_type: 'gguf',
    size_gb: 0,
    tags: [],
    suggested: false,
    downloaded: false,
    description: '',
    default_quant: '',
    source: 'disk',
    requires_token: false,
  };
}
