import type { Clock } from '../common/clock.ts';
import { defined } from '../common/defined.ts';
import { type HostError, isHostError } from '../common/errors.ts';
import { hostShuttingDown, modelNotLoaded } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { SharedWork } from '../common/shared-work.ts';
import { sum } from '../common/sum.ts';
import type { EventPayloads, RequestId } from '../protocol/messages.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from './embedding.ts';
import type { GenerateRequest, GenerationResult, PromptInput, RenderedPrompt } from './generation.ts';
import { type GenerateOptions, type Lease, LoadedEntry, type RequestedSettings } from './loaded-entry.ts';
import type { EngineModel, FreedMemory, LoadedModel } from './model-engine.ts';

/** Progress of a load. */
export type LoadProgress =
  /** Files are being downloaded or checked. Bytes. */
  | {
      readonly step: 'obtain';
      readonly message: string;
      readonly done: number;
      readonly total: number;
      readonly isComplete: boolean;
    }
  /** The files were on the disk already. Bytes. */
  | { readonly step: 'found'; readonly size: number }
  /** The engine loads. 0 to 1. */
  | { readonly step: 'load'; readonly fraction: number };

/** How a model gets into memory. */
export interface LoadPlan {
  readonly id: string;
  /** Takes the lease on the model's files, before anything is read. The registry releases it. */
  readonly lease?: (signal: AbortSignal) => Promise<Lease>;
  /** Prepares the model and has its engine load it. */
  readonly start: (signal: AbortSignal, onProgress: ProgressListener<LoadProgress>) => Promise<EngineModel>;
  /** Called when the load has ended, and all listeners have been told. */
  readonly end?: () => void;
  /** Kept with the loaded model; see {@link ModelRegistry.settingsOf}. */
  readonly settings?: RequestedSettings;
  /** Starts again although the model is loaded, and takes the result in its place. */
  readonly refresh?: boolean;
}

/** How a caller follows a load. */
export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener<LoadProgress> | undefined;
  /** Idle time after which the model is unloaded, milliseconds; null = never; undefined = unchanged. */
  readonly keepAliveMs?: number | null | undefined;
}

/** The result of a load. */
export interface LoadResult {
  readonly model: LoadedModel;
  /** True when the model was loaded before; its settings are those of that load. */
  readonly alreadyLoaded: boolean;
}

/** Why a model was unloaded without a request of a client of this host; see the event `MODEL_UNLOADED`. */
export type UnloadReason = EventPayloads['MODEL_UNLOADED']['reason'];

/** A change of the list of loaded models. `activeId` is the active model after it. */
export type ModelChange = { readonly id: string; readonly activeId: string | null } & (
  | { readonly type: 'loaded' }
  /** `reason` is absent where a request asked for it. */
  | { readonly type: 'unloaded'; readonly reason?: UnloadReason }
  /** `wasElsewhere`: another host had it loaded. */
  | { readonly type: 'lost'; readonly error: HostError; readonly wasElsewhere: boolean }
);

/** Generations of one model that were stopped. */
export interface StoppedGenerations {
  readonly model: LoadedModel;
  readonly count: number;
  /** Resolves when all have ended: to true if that required ending the model's process. Never rejects. */
  readonly processEnded: Promise<boolean>;
}

/**
 * The loaded models, local and remote: the only list of them, with the active model, the leases on model files, idle
 * expiry, and the order of eviction. How a model is loaded and run is its engine's part.
 */
export class ModelRegistry {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** By id, in the order in which they were loaded. */
  readonly #models = new Map<string, LoadedEntry>();
  readonly #loading = new Map<string, SharedWork<LoadedModel, LoadProgress>>();
  readonly #unloading = new Map<string, Promise<FreedMemory>>();
  readonly #listeners = new Set<(change: ModelChange) => unknown>();
  #activeId: string | null = null;
  #isClosed = false;

  readonly #onStart: () => void;
  readonly #onGenerated: (model: LoadedModel, result: GenerationResult) => void;

  /**
   * @param options.onStart Called before every load and every request to a model.
   * @param options.onGenerated Called with every complete answer.
   */
  constructor(options: {
    log: Logger;
    clock: Clock;
    onStart?: () => void;
    onGenerated?: (model: LoadedModel, result: GenerationResult) => void;
  }) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#onStart = options.onStart ?? (() => undefined);
    this.#onGenerated = options.onGenerated ?? (() => undefined);
  }

  /** Whether a model is being loaded, or a request to one is running. */
  get isBusy(): boolean {
    return this.#loading.size > 0 || [...this.#models.values()].some(({ isInUse }) => isInUse);
  }

  /** The model that answers when a request names none: the one loaded or selected last that is still loaded. */
  get activeId(): string | null {
    return this.#activeId;
  }

  /** Weights that the loaded models read from mapped files, bytes; see {@link LoadedModel.mappedBytes}. */
  get mappedBytes(): number {
    return sum(this.list().map(({ mappedBytes }) => mappedBytes));
  }

  /** The loaded models, in the order in which they were loaded. */
  list(): LoadedModel[] {
    return [...this.#models.values()].map(({ info }) => info);
  }

  get(id: string): LoadedModel | undefined {
    return this.#models.get(id)?.info;
  }

  /** The settings that the request for its load chose; undefined if the model is not loaded. */
  settingsOf(id: string): RequestedSettings | undefined {
    return this.#models.get(id)?.settings;
  }

  /** The idle time after which a model is unloaded, milliseconds; null = never, or not loaded. */
  keepAliveOf(id: string): number | null {
    return this.#models.get(id)?.keepAliveMs ?? null;
  }

  /** Says whether a model is being loaded. */
  isLoading(id: string): boolean {
    return this.#loading.get(id)?.isAborted === false;
  }

  /** @throws HostError `MODEL_NOT_LOADED`. */
  setActive(id: string): void {
    this.#activeId = this.#entry(id).info.id;
  }

  /**
   * Sets the idle time after which a model is unloaded, milliseconds; null = never.
   *
   * @throws HostError `MODEL_NOT_LOADED`.
   */
  keepAlive(id: string, ms: number | null): void {
    this.#entry(id).keepAlive(ms);
  }

  /**
   * Models of this host that can be unloaded to free memory, in this order: the least recently used first, the active one
   * last. Models with running requests are not among them.
   */
  evictionCandidates(): LoadedModel[] {
    const isActive = (id: string) => (id === this.#activeId ? 1 : 0);
    return [...this.#models.values()]
      .filter(({ isInUse, info }) => !isInUse && info.modelType !== 'remote' && info.host === undefined)
      .sort((a, b) => isActive(a.info.id) - isActive(b.info.id) || a.lastUsed - b.lastUsed)
      .map(({ info }) => info);
  }

  /**
   * Calls `listener` with every model that is loaded, unloaded or lost, until the returned function is called. Loads
   * and unloads end after the promises that listeners return.
   */
  onChange(listener: (change: ModelChange) => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Loads a model and makes it the active one. A second call for the same model joins the first; for a loaded model it
   * returns that one, unless the plan says `refresh`.
   *
   * @throws HostError what the plan throws; the signal's reason when aborted (the load itself ends when the last caller
   * has left).
   */
  async load(plan: LoadPlan, options: LoadOptions = {}): Promise<LoadResult> {
    const { signal, onProgress, keepAliveMs } = options;
    const { id } = plan;
    signal?.throwIfAborted();
    if (this.#isClosed) throw hostShuttingDown();
    const present = this.get(id);
    const alreadyLoaded = present !== undefined && plan.refresh !== true;
    const model = alreadyLoaded ? present : await this.#sharedLoad(plan).join({ signal, onProgress });
    if (keepAliveMs !== undefined) this.#models.get(id)?.keepAlive(keepAliveMs);
    return { model, alreadyLoaded };
  }

  /**
   * Generates text. A local model runs as many generations at a time as it has sequences; a remote engine decides itself.
   *
   * @param request The request, or a function that creates it, during which the generation can already be stopped.
   * @throws HostError `MODEL_NOT_LOADED`, `MODEL_NOT_CAPABLE`, and what the engine throws; the signal's reason when
   * aborted.
   */
  async generate(
    id: string,
    request: GenerateRequest | (() => Promise<GenerateRequest>),
    options: GenerateOptions = {},
  ): Promise<GenerationResult> {
    const entry = this.#entry(id);
    const result = await entry.generate(request, options);
    this.#onGenerated(entry.info, result);
    return result;
  }

  /** Renders the prompt that {@link generate} would evaluate. @throws HostError as {@link generate}. */
  async render(id: string, input: PromptInput, signal?: AbortSignal): Promise<RenderedPrompt> {
    return this.#entry(id).use(null, signal, (model) => model.render(input));
  }

  /** Counts the tokens of texts. @throws HostError as {@link generate}. */
  async countTokens(id: string, texts: readonly string[], signal?: AbortSignal): Promise<number> {
    return this.#entry(id).use(null, signal, (model) => model.countTokens(texts));
  }

  /** Embeds texts, in order. @throws HostError as {@link generate}. */
  async embed(id: string, request: EmbedRequest, signal?: AbortSignal): Promise<readonly Embedded[]> {
    return this.#entry(id).use('embed', signal, (model, options) => model.embed(request, options));
  }

  /** Scores documents against a query, in order. @throws HostError as {@link generate}. */
  async rank(id: string, request: RankRequest, signal?: AbortSignal): Promise<readonly Ranked[]> {
    return this.#entry(id).use('rank', signal, (model, options) => model.rank(request, options));
  }

  /** Stops generations: of one model or of all, with one tag or with any. Each ends with the text generated so far. */
  stopGenerations(which: { id?: string | undefined; tag?: RequestId | undefined } = {}): StoppedGenerations[] {
    return [...this.#models.values()]
      .filter(({ info }) => which.id === undefined || info.id === which.id)
      .map((entry) => {
        const results = entry.stopGenerations(which.tag);
        return { model: entry.info, count: results.length, processEnded: endsProcess(results) };
      })
      .filter(({ count }) => count > 0);
  }

  /**
   * Unloads a model, ending its requests with `MODEL_NOT_LOADED`; resolves when its memory has been freed.
   *
   * @param options.reason Why, where no request of a client asked for it.
   * @param options.there Whether another host that has it loaded unloads it, too; otherwise this one stops using it.
   * @throws HostError `MODEL_NOT_LOADED`.
   */
  async unload(id: string, options: { reason?: UnloadReason; there?: boolean } = {}): Promise<FreedMemory> {
    const { reason, there = false } = options;
    const entry = this.#entry(id);
    this.#remove(entry);
    const unloading = entry.unload(there);
    this.#unloading.set(id, unloading);
    try {
      const freed = await unloading;
      this.#log.info('models.unloaded', { id, reason, ...freed });
      return freed;
    } finally {
      this.#unloading.delete(id);
      await this.#emit({ type: 'unloaded', id, activeId: this.#activeId, ...defined({ reason }) });
    }
  }

  /** Unloads every model; resolves with their ids when their memory has been freed. */
  async unloadAll(): Promise<string[]> {
    const ids = [...this.#models.keys()];
    await Promise.all(ids.map((id) => this.unload(id)));
    return ids;
  }

  /** Aborts every load and unloads every model, without calling the listeners. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const loading = [...this.#loading.values()];
    for (const work of loading) work.abort(hostShuttingDown());
    const entries = [...this.#models.values()];
    for (const entry of entries) this.#remove(entry);
    await Promise.all([
      ...entries.map((entry) => entry.close()),
      ...loading.map((work) => work.settled()),
      ...this.#unloading.values(),
    ]);
  }

  #sharedLoad(plan: LoadPlan): SharedWork<LoadedModel, LoadProgress> {
    const { id } = plan;
    const present = this.#loading.get(id);
    if (present !== undefined && !present.isAborted) return present;
    this.#onStart();
    const work = new SharedWork<LoadedModel, LoadProgress>(async (signal, onProgress) => {
      // An aborted load or an unload of the same model ends first: its process may still have the memory.
      await present?.settled();
      await this.#unloading.get(id);
      try {
        return await this.#load(plan, signal, onProgress);
      } finally {
        plan.end?.();
      }
    });
    this.#loading.set(id, work);
    void work.settled().then(() => {
      if (this.#loading.get(id) === work) this.#loading.delete(id);
    });
    return work;
  }

  async #load(
    { id, lease, start, settings = {} }: LoadPlan,
    signal: AbortSignal,
    onProgress: ProgressListener<LoadProgress>,
  ): Promise<LoadedModel> {
    const taken = await lease?.(signal);
    let model: EngineModel;
    try {
      signal.throwIfAborted();
      model = await start(signal, onProgress);
      if (signal.aborted) {
        await model.unload();
        throw signal.reason;
      }
    } catch (error) {
      taken?.release();
      throw error;
    }
    const present = this.#models.get(id);
    if (present === undefined) this.#models.set(id, this.#newEntry(model, taken, settings));
    else present.replace(model, taken);
    this.#activeId = id;
    void model.lost.then((error) => this.#lost(id, model, error));
    this.#log.info('models.loaded', { ...model.info });
    await this.#emit({ type: 'loaded', id, activeId: id });
    return model.info;
  }

  #newEntry(model: EngineModel, lease: Lease | undefined, settings: RequestedSettings): LoadedEntry {
    const { id } = model.info;
    const onIdle = () =>
      void this.unload(id, { reason: 'idle' }).catch((error: unknown) =>
        this.#log.error('models.unload-failed', { id, error }),
      );
    const { loadedWith = settings } = model;
    return new LoadedEntry({
      model,
      lease,
      settings: loadedWith,
      clock: this.#clock,
      onStart: this.#onStart,
      onIdle,
    });
  }

  #lost(id: string, model: EngineModel, error: HostError): void {
    const entry = this.#models.get(id);
    if (entry?.isOf(model) !== true) return;
    this.#remove(entry);
    entry.release();
    this.#log.error('models.lost', { id, code: error.code, message: error.message, ...error.details });
    const wasElsewhere = model.info.host !== undefined;
    void this.#emit({ type: 'lost', id, activeId: this.#activeId, error, wasElsewhere });
  }

  /**
   * Takes a model off the list. When it was the active one, the last loaded of the same kind takes its place, else the
   * last loaded: a remote model does not stand in for a local one while another local one is loaded.
   */
  #remove(entry: LoadedEntry): void {
    const { id, backend } = entry.info;
    this.#models.delete(id);
    if (this.#activeId !== id) return;
    const isRemote = backend === 'Remote';
    const others = this.list();
    const next = others.findLast((model) => (model.backend === 'Remote') === isRemote) ?? others.at(-1);
    this.#activeId = next?.id ?? null;
  }

  #entry(id: string): LoadedEntry {
    const entry = this.#models.get(id);
    if (entry === undefined) throw modelNotLoaded(id);
    return entry;
  }

  async #emit(change: ModelChange): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener(change)));
  }
}

async function endsProcess(results: readonly Promise<GenerationResult>[]): Promise<boolean> {
  const settled = await Promise.allSettled(results);
  return settled.some((result) => result.status === 'rejected' && isHostError(result.reason, 'ENGINE_ENDED'));
}
