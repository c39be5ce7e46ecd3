import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { ActionName, EventPayloads, HostEvent, PayloadOf, RequestOf } from '../../host/protocol/messages.ts';
import { type NativePort, RequestError } from '../host-connection.ts';
import type { HostState } from '../worker/host-state.ts';
import { type FromPage, MODEL_ACTIONS } from '../worker/page-messages.ts';
import { coalesced } from './coalesced.ts';
import type { Confirmation } from './confirmation.ts';
import { errorText } from './error-text.ts';
import { type ErrorView, viewError } from './error-view.ts';
import { type ModelRow, modelRows } from './model-rows.ts';
import { EMPTY_SNAPSHOT, loadSnapshot, type Snapshot, type Storage, saveSnapshot } from './snapshot.ts';
import { Toasts } from './toasts.svelte.ts';
import { WorkerClient, type WorkerNotice } from './worker-client.ts';

/** How often a visible page asks what other hosts load and download, milliseconds. */
const OTHERS_POLL_MS = 1_500;

/** How often a visible page asks for the memory in use and the size of the cache, milliseconds. */
const SIZES_POLL_MS = 4_000;

/** Changes that arrive within this time cause one refresh, milliseconds. */
const DEBOUNCE_MS = 40;

/** Codes that answer what the user did, or that the banner shows: no error of the model. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['DOWNLOAD_PAUSED', 'DOWNLOAD_CANCELLED', 'HOST_DISCONNECTED']);

/** Actions whose replies are paged. */
type PagedAction =
  | 'GET_AVAILABLE_MODELS'
  | 'GET_DOWNLOADED_MODELS'
  | 'GET_LOADED_MODELS'
  | 'GET_ACTIVE_DOWNLOADS'
  | 'GET_ACTIVE_GENERATIONS'
  | 'LIST_HOSTS'
  | 'GENERATE_EMBEDDINGS';

/** What a page shows, updated from the host. */
export class Store {
  /** Undefined until the worker has reported it. */
  host = $state.raw<HostState | undefined>();
  snapshot = $state.raw<Snapshot>(EMPTY_SNAPSHOT);
  /** Separate from the snapshot, on which all rows depend, because it changes often. */
  memory = $state.raw<Snapshot['memory']>();
  /** Why the host could not report what is shown, such as a cache that cannot be read. */
  error = $state.raw<ErrorView>();
  /** True once the host itself has reported what is shown; a snapshot of an earlier page is shown before. */
  isFresh = $state(false);
  /** True once the snapshot was read. Nothing is drawn before, as it might have to be replaced at once. */
  isReady = $state(false);
  readonly rows = $derived.by(() =>
    modelRows(this.snapshot, {
      downloads: this.#downloads,
      loads: this.#loads,
      errors: this.#errors,
      elsewhere: this.#elsewhere,
    }),
  );
  readonly isConnected = $derived(this.host?.status === 'connected');
  readonly #downloads = new SvelteMap<string, EventPayloads['MODEL_DOWNLOAD_PROGRESS']>();
  readonly #loads = new SvelteMap<string, EventPayloads['modelWorkerLoadingProgress']>();
  readonly #errors = new SvelteMap<string, ErrorView>();
  /** The models that other hosts have loaded. */
  readonly #elsewhere = new SvelteSet<string>();
  /** The number and size of the models in the cache when they were last polled. */
  #cached: string | undefined;
  readonly #storage: Storage;
  readonly #client: WorkerClient;
  readonly #listeners = new Set<(notice: WorkerNotice) => void>();
  /** Set while a refresh is about to start. */
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  /** Runs one refresh at a time: of two, the older might end last. */
  readonly #runRefresh = coalesced(async () => {
    if (this.isConnected) await this.#refresh();
  });
  readonly toasts = new Toasts();
  /** A question that a dialog asks. */
  confirmation = $state.raw<Confirmation>();

  constructor({ connect, storage }: { connect: () => NativePort; storage: Storage }) {
    this.#storage = storage;
    void this.#loadSnapshot();
    this.#client = new WorkerClient({ connect, onNotice: (notice) => this.#onNotice(notice) });
    this.#poll(() => this.#pollOthers(), OTHERS_POLL_MS);
    this.#poll(() => this.#pollSizes(), SIZES_POLL_MS);
  }

  /** Sends a request to the host. Rejects with a {@link RequestError}. */
  request<A extends ActionName>(action: A, fields: Partial<RequestOf<A>> = {}): Promise<PayloadOf<A>> {
    return this.#client.request(action, fields);
  }

  /** Requests all pages of a list. Rejects with a {@link RequestError}. */
  async all<A extends PagedAction, T>(
    action: A,
    itemsOf: (payload: PayloadOf<A>) => T[],
    fields: Partial<RequestOf<A>> = {},
  ): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page = cursor === undefined ? fields : { ...fields, cursor };
      const payload: PayloadOf<A> & { nextCursor?: string | undefined } = await this.request(action, page);
      items.push(...itemsOf(payload));
      cursor = payload.nextCursor;
    } while (cursor !== undefined);
    return items;
  }

  /** Sends a message to the worker. */
  post(message: FromPage): void {
    this.#client.post(message);
  }

  /** Calls a listener with everything the worker reports, from now on. */
  onNotice(listener: (notice: WorkerNotice) => void): void {
    this.#listeners.add(listener);
  }

  /** Sends a request whose failure is shown as a notice. Resolves with undefined then. */
  async attempt<A extends ActionName>(
    action: A,
    fields: Partial<RequestOf<A>> = {},
  ): Promise<PayloadOf<A> | undefined> {
    try {
      return await this.#client.request(action, fields);
    } catch (error) {
      this.showError(error);
      return undefined;
    }
  }

  /** Shows why a request failed as a notice. */
  showError(reason: unknown): void {
    this.toasts.show(errorText(viewError(reason)));
  }

  /** Performs an action on a model. A failure is shown in the model's row. */
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
    if (action === 'LOAD_MODEL') this.#loads.set(modelId, { status: 'initiate', modelId, file: modelId, progress: 0 });
    if (action === 'DOWNLOAD_MODEL') {
      this.#downloads.delete(modelId);
      this.#showDownload(modelId);
    }
    try {
      await this.#client.request(action, { modelPath: modelId, ...(settings === undefined ? {} : { settings }) });
      return true;
    } catch (error) {
      if (!(error instanceof RequestError && NOT_SHOWN.has(error.code))) this.#showFailure(modelId, error);
      return false;
    } finally {
      if (action === 'LOAD_MODEL') this.#loads.delete(modelId);
    }
  }

  /** Makes a model the active one; loads it first if necessary. */
  async activate(row: ModelRow): Promise<void> {
    const isLoaded = row.stage === 'loaded' || (await this.act('LOAD_MODEL', row.id));
    // A model that was loaded last is active, unless another one was loaded before.
    if (isLoaded) await this.act('SET_ACTIVE_MODEL', row.id);
  }

  /** Loads a model again with another context length. */
  async reload(modelId: string, contextLength: number): Promise<void> {
    if (!(await this.act('UNLOAD_MODEL', modelId))) return;
    const isLoaded = await this.act('LOAD_MODEL', modelId, { n_ctx: contextLength });
    if (isLoaded) await this.act('SET_ACTIVE_MODEL', modelId);
  }

  /** Tries to reach the host now. */
  retry(): void {
    this.post({ kind: 'retry' });
  }

  /** Requests everything that is shown from the host. Calls in quick succession cause one refresh. */
  refresh(): void {
    // A change during the refresh may not be in what it shows, so the next poll causes another one.
    this.#cached = undefined;
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = undefined;
      void this.#runRefresh();
    }, DEBOUNCE_MS);
  }

  async #loadSnapshot(): Promise<void> {
    const snapshot = await loadSnapshot(this.#storage);
    if (!this.isFresh) {
      this.snapshot = snapshot;
      this.memory = snapshot.memory;
    }
    this.isReady = true;
  }

  async #refresh(): Promise<void> {
    try {
      const [available, downloaded, loaded, downloads, current, machine, memory] = await Promise.all([
        this.all('GET_AVAILABLE_MODELS', ({ models }) => models),
        this.all('GET_DOWNLOADED_MODELS', ({ models }) => models),
        this.all('GET_LOADED_MODELS', ({ models }) => models),
        this.all('GET_ACTIVE_DOWNLOADS', ({ downloads }) => downloads),
        this.request('GET_CURRENT_MODEL'),
        this.request('GET_SYSTEM_RESOURCES'),
        this.request('GET_MEMORY_USAGE'),
        this.#readElsewhere(),
      ]);
      this.snapshot = { available, downloaded, loaded, downloads, current: current.currentModel, machine, memory };
      this.memory = memory;
      this.isFresh = true;
      this.error = undefined;
      for (const id of this.#downloads.keys()) if (!this.#isDownloading(id)) this.#downloads.delete(id);
      await saveSnapshot(this.#storage, this.snapshot);
    } catch (error) {
      // The banner shows a host that is gone.
      if (!(error instanceof RequestError && error.code === 'HOST_DISCONNECTED')) this.error = viewError(error);
    }
  }

  #onNotice(notice: WorkerNotice): void {
    if (notice.kind === 'state') this.#onState(notice.state);
    else if (notice.kind === 'event') this.#onEvent(notice.event);
    else if (notice.kind === 'changed' && MODEL_ACTIONS.has(notice.action)) this.refresh();
    for (const listener of this.#listeners) listener(notice);
  }

  #onState(state: HostState): void {
    const was = this.host?.status;
    this.host = state;
    if (state.status === 'connected' && was !== 'connected') this.refresh();
    if (state.status !== 'failed') return;
    // The host's loaded models, loads and downloads ended with it.
    this.#downloads.clear();
    this.#loads.clear();
    const downloads = this.snapshot.downloads.map((download) =>
      download.status === 'downloading' ? { ...download, status: 'paused' as const } : download,
    );
    this.snapshot = { ...this.snapshot, loaded: [], current: null, downloads };
  }

  #onEvent(event: HostEvent): void {
    if (event.type === 'MODEL_DOWNLOAD_PROGRESS') {
      const { modelId: id } = event.payload;
      this.#downloads.set(id, event.payload);
      if (!this.#isDownloading(id)) this.#showDownload(id, event.payload);
    } else if (event.type === 'modelWorkerLoadingProgress') {
      const { status, modelId, progress } = event.payload;
      // A model that is loaded already, by this host or another, is `cached` with 100 percent at the end.
      const isEnded = status === 'done' || status === 'error' || (status === 'cached' && progress === 100);
      if (isEnded) this.#loads.delete(modelId);
      else if (!this.snapshot.loaded.some((model) => model.modelId === modelId))
        this.#loads.set(modelId, event.payload);
    } else if (event.type === 'MODEL_UNLOADED') this.refresh();
  }

  /** Shows a download that has just started, before the host is asked about it. */
  #showDownload(id: string, progress?: EventPayloads['MODEL_DOWNLOAD_PROGRESS']): void {
    const before = this.snapshot.downloads.find(({ modelId }) => modelId === id);
    const download = {
      modelId: id,
      repo_id: progress?.repoId ?? before?.repo_id ?? '',
      file_path: progress?.fileName ?? before?.file_path ?? '',
      downloaded: progress?.loaded ?? before?.downloaded ?? 0,
      total: progress?.total ?? before?.total ?? 0,
      progress: progress?.progress ?? before?.progress ?? 0,
      status: 'downloading' as const,
      started_at: before?.started_at ?? Date.now() / 1000,
    };
    const others = this.snapshot.downloads.filter((other) => other !== before);
    this.snapshot = { ...this.snapshot, downloads: [...others, download] };
  }

  /** Shows why an action failed. A download that it started failed with it; the next refresh reports that too. */
  #showFailure(id: string, error: unknown): void {
    this.#errors.set(id, viewError(error));
    const downloads = this.snapshot.downloads.map((download) =>
      download.modelId === id && download.status === 'downloading'
        ? { ...download, status: 'failed' as const }
        : download,
    );
    if (this.#isDownloading(id)) this.snapshot = { ...this.snapshot, downloads };
  }

  #isDownloading(id: string): boolean {
    return this.snapshot.downloads.some(({ modelId, status }) => modelId === id && status === 'downloading');
  }

  /** Calls `read` at an interval while the page is visible and the host is connected. */
  #poll(read: () => Promise<void>, interval: number): void {
    const poll = coalesced(read);
    setInterval(() => {
      // The banner shows a host that is gone; the next refresh reports any other error.
      if (this.isConnected && !document.hidden) poll().catch(() => {});
    }, interval);
  }

  /** Reads what other hosts load and download. They send no events here. */
  async #pollOthers(): Promise<void> {
    const [downloads] = await Promise.all([
      this.all('GET_ACTIVE_DOWNLOADS', (payload) => payload.downloads),
      this.#readElsewhere(),
    ]);
    if (statusesOf(downloads) !== statusesOf(this.snapshot.downloads)) this.refresh();
    else if (downloads.some(({ modelId, status }) => status === 'downloading' && !this.#downloads.has(modelId)))
      this.snapshot = { ...this.snapshot, downloads };
  }

  /** Reads the memory in use, and whether another host or program has added or removed models. */
  async #pollSizes(): Promise<void> {
    const [memory, { modelCount, modelBytes }] = await Promise.all([
      this.request('GET_MEMORY_USAGE'),
      this.request('GET_CACHE_STATS', { limit: 1 }),
    ]);
    this.memory = memory;
    const cached = `${modelCount} ${modelBytes}`;
    if (cached !== this.#cached) this.refresh();
    this.#cached = cached;
  }

  async #readElsewhere(): Promise<void> {
    const hosts = await this.all('LIST_HOSTS', (payload) => payload.hosts);
    const ids = new Set(hosts.flatMap(({ models }) => models.map(({ modelId }) => modelId)));
    for (const id of this.#elsewhere) if (!ids.has(id)) this.#elsewhere.delete(id);
    for (const id of ids) this.#elsewhere.add(id);
  }
}

function statusesOf(downloads: Snapshot['downloads']): string {
  return downloads.map(({ modelId, status }) => `${modelId} ${status}`).join('\n');
}
