import { SvelteMap } from 'svelte/reactivity';
import type { ActionName } from '../../host/protocol/actions/requests.ts';
import type {
  DownloadProgressPayload,
  HostEvent,
  LoadingProgressPayload,
  PayloadOf,
  RequestOf,
} from '../../host/protocol/messages.ts';
import { type NativePort, RequestError } from '../host-connection.ts';
import type { HostState } from '../worker/host-state.ts';
import { modelRows } from './model-rows.ts';
import { type Known, keepKnown, NOTHING_KNOWN, readKnown, type Storage } from './snapshot.ts';
import { type RequestOptions, WorkerClient } from './worker-client.ts';

/** How often the machine's memory is asked for while a page is open, milliseconds. */
const MEMORY_INTERVAL_MS = 4_000;

/** How often downloads are asked for while one runs of which no progress is heard (another browser's), milliseconds. */
const DOWNLOADS_INTERVAL_MS = 1_500;

/** Changes that come together are asked for together, milliseconds. */
const GATHER_MS = 40;

/** Replies of these come for what the user did, not for a fault. */
const NO_FAULT: ReadonlySet<string> = new Set(['DOWNLOAD_PAUSED', 'DOWNLOAD_CANCELLED', 'HOST_DISCONNECTED']);

/** What a page shows, kept up to date with the host. */
export class Store {
  /** Undefined until the worker has said. */
  host = $state.raw<HostState | undefined>();
  known = $state.raw<Known>(NOTHING_KNOWN);
  /** Why the host cannot say what is shown, in its words: a cache that cannot be read. */
  fault = $state('');
  /** True once the host itself has said all that is shown. */
  isFresh = $state(false);
  /** What is shown comes from here or from the host; before, nothing is drawn that would have to be taken back. */
  isReady = $state(false);
  readonly rows = $derived.by(() =>
    modelRows(this.known, { downloads: this.#downloads, loads: this.#loads, errors: this.#errors }),
  );
  readonly isConnected = $derived(this.host?.status === 'connected');
  readonly #downloads = new SvelteMap<string, DownloadProgressPayload>();
  readonly #loads = new SvelteMap<string, LoadingProgressPayload>();
  readonly #errors = new SvelteMap<string, string>();
  readonly #storage: Storage;
  readonly #client: WorkerClient;
  /** `due`: the host is asked in a moment. `late`: it is being asked, and something changed since. */
  #asking: 'no' | 'due' | 'running' | 'late' = 'no';

  constructor({ connect, storage }: { connect: () => NativePort; storage: Storage }) {
    this.#storage = storage;
    void this.#readKnown();
    this.#client = new WorkerClient({
      connect,
      onState: (state) => this.#onState(state),
      onEvent: (event) => this.#onEvent(event),
      onChanged: () => this.refresh(),
    });
    setInterval(() => this.#poll(), DOWNLOADS_INTERVAL_MS);
    setInterval(() => void this.#askMemory(), MEMORY_INTERVAL_MS);
  }

  /** Asks the host. Rejects with a {@link RequestError}. */
  request<A extends ActionName>(
    action: A,
    fields: Partial<RequestOf<A>> = {},
    options: RequestOptions = {},
  ): Promise<PayloadOf<A>> {
    return this.#client.request(action, fields, options);
  }

  /** Does something to a model; what goes wrong is shown in its row. */
  async act(
    action:
      | 'DOWNLOAD_MODEL'
      | 'PAUSE_DOWNLOAD'
      | 'CANCEL_DOWNLOAD'
      | 'LOAD_MODEL'
      | 'UNLOAD_MODEL'
      | 'SET_ACTIVE_MODEL'
      | 'DELETE_MODEL',
    modelId: string,
    settings?: RequestOf<'LOAD_MODEL'>['settings'],
  ): Promise<boolean> {
    this.#errors.delete(modelId);
    if (action === 'LOAD_MODEL') this.#loads.set(modelId, { status: 'initiate', file: modelId, progress: 0 });
    if (action === 'DOWNLOAD_MODEL') {
      this.#downloads.delete(modelId);
      this.#begun(modelId);
    }
    try {
      await this.#client.request(action, { modelPath: modelId, ...(settings === undefined ? {} : { settings }) });
      return true;
    } catch (error) {
      if (!(error instanceof RequestError && NO_FAULT.has(error.code))) this.#errors.set(modelId, messageOf(error));
      return false;
    } finally {
      if (action === 'LOAD_MODEL') this.#loads.delete(modelId);
    }
  }

  /** Has the host tried again, now. */
  retry(): void {
    this.#client.retry();
  }

  /** Asks the host for everything shown. Several calls at once ask once. */
  refresh(): void {
    if (this.#asking === 'running') this.#asking = 'late';
    if (this.#asking !== 'no') return;
    this.#asking = 'due';
    setTimeout(() => void this.#ask(), GATHER_MS);
  }

  async #readKnown(): Promise<void> {
    const known = await readKnown(this.#storage);
    if (!this.isFresh) this.known = known;
    this.isReady = true;
  }

  /** One round of questions at a time: of two, the older might answer last. */
  async #ask(): Promise<void> {
    this.#asking = 'running';
    if (this.isConnected) await this.#refresh();
    const isLate = (this.#asking as string) === 'late';
    this.#asking = 'no';
    if (isLate) this.refresh();
  }

  async #refresh(): Promise<void> {
    try {
      const [available, downloaded, loaded, downloads, current, machine, memory] = await Promise.all([
        this.#all('GET_AVAILABLE_MODELS', ({ models }) => models),
        this.#all('GET_DOWNLOADED_MODELS', ({ models }) => models),
        this.#all('GET_LOADED_MODELS', ({ models }) => models),
        this.#all('GET_ACTIVE_DOWNLOADS', ({ downloads }) => downloads),
        this.request('GET_CURRENT_MODEL'),
        this.request('GET_SYSTEM_RESOURCES'),
        this.request('GET_MEMORY_USAGE'),
      ]);
      this.known = { available, downloaded, loaded, downloads, current: current.currentModel, machine, memory };
      this.isFresh = true;
      this.fault = '';
      for (const id of this.#downloads.keys()) if (!this.#isDownloading(id)) this.#downloads.delete(id);
      await keepKnown(this.#storage, this.known);
    } catch (error) {
      // A host that went away is told by its state.
      if (!(error instanceof RequestError && error.code === 'HOST_DISCONNECTED')) this.fault = messageOf(error);
    }
  }

  /** A list, all pages of it. */
  async #all<
    A extends 'GET_AVAILABLE_MODELS' | 'GET_DOWNLOADED_MODELS' | 'GET_LOADED_MODELS' | 'GET_ACTIVE_DOWNLOADS',
    T,
  >(action: A, itemsOf: (payload: PayloadOf<A>) => T[]): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const fields = (cursor === undefined ? {} : { cursor }) as Partial<RequestOf<A>>;
      const payload: PayloadOf<A> & { nextCursor?: string | undefined } = await this.request(action, fields);
      items.push(...itemsOf(payload));
      cursor = payload.nextCursor;
    } while (cursor !== undefined);
    return items;
  }

  #onState(state: HostState): void {
    const was = this.host?.status;
    this.host = state;
    if (state.status === 'connected' && was !== 'connected') this.refresh();
    if (state.status !== 'failed') return;
    // With the host went what it held and what it was doing.
    this.#downloads.clear();
    this.#loads.clear();
    const downloads = this.known.downloads.map((download) =>
      download.status === 'downloading' ? { ...download, status: 'paused' as const } : download,
    );
    this.known = { ...this.known, loaded: [], current: null, downloads };
  }

  #onEvent(event: HostEvent): void {
    if (event.type === 'MODEL_DOWNLOAD_PROGRESS') {
      const id = `${event.payload.repoId}/${event.payload.fileName}`;
      this.#downloads.set(id, event.payload);
      if (!this.#isDownloading(id)) this.#begun(id, event.payload);
    } else if (event.type === 'modelWorkerLoadingProgress') {
      const { status, file } = event.payload;
      if (status === 'done' || status === 'error') this.#loads.delete(file);
      else if (!this.known.loaded.some((model) => model.model_id === file)) this.#loads.set(file, event.payload);
    }
  }

  /** Shows a download that has just begun, before the host is asked about it. */
  #begun(id: string, progress?: DownloadProgressPayload): void {
    const [owner = '', repo = '', ...file] = id.split('/');
    const before = this.known.downloads.find((download) => `${download.repo_id}/${download.file_path}` === id);
    const download = {
      repo_id: `${owner}/${repo}`,
      file_path: file.join('/'),
      downloaded: progress?.loaded ?? before?.downloaded ?? 0,
      total: progress?.total ?? before?.total ?? 0,
      progress: progress?.progress ?? before?.progress ?? 0,
      status: 'downloading' as const,
      started_at: before?.started_at ?? Date.now() / 1000,
    };
    const others = this.known.downloads.filter((other) => other !== before);
    this.known = { ...this.known, downloads: [...others, download] };
  }

  #isDownloading(id: string): boolean {
    return this.known.downloads.some(
      (download) => `${download.repo_id}/${download.file_path}` === id && download.status === 'downloading',
    );
  }

  #poll(): void {
    const unheard = this.known.downloads.some(
      ({ status, repo_id, file_path }) => status === 'downloading' && !this.#downloads.has(`${repo_id}/${file_path}`),
    );
    if (unheard) this.refresh();
  }

  async #askMemory(): Promise<void> {
    if (!this.isConnected || document.hidden) return;
    try {
      const memory = await this.request('GET_MEMORY_USAGE');
      this.known = { ...this.known, memory };
    } catch {
      // A host that went away is told by its state; the next refresh says what else is wrong.
    }
  }
}

/** What went wrong, as a sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
