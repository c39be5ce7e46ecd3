import { type Clock, systemClock } from '../common/clock.ts';
import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import { hostShuttingDown, modelNotLoaded } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { HostLimits } from '../config.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from '../models/embedding.ts';
import type { GenerateRequest, GenerationResult } from '../models/generation.ts';
import type {
  EmbedOptions,
  FreedMemory,
  GenerateOptions,
  ModelServer,
  ServerChange,
  UnloadReason,
} from '../models/model-server.ts';
import { assertCapable } from './assert-capable.ts';
import { describeModel } from './describe-model.ts';
import { Generations } from './generations.ts';
import { IdleWatch } from './idle-watch.ts';
import type { MemoryUse } from './ipc.ts';
import type { LoadWatch } from './load-on-runner.ts';
import { mappedBytes } from './mapped-bytes.ts';
import { crashed, type RunnerExit, type RunnerProcess } from './runner-process.ts';
import { Runners } from './runners.ts';
import { SharedWork } from './shared-work.ts';
import type { LoadedModel, LoadProgress, LoadRequest } from './types.ts';

/** What an engine is made with. */
export interface EngineOptions {
  /** The module a runner starts with: one that calls `runRunner` when given `RUNNER_ARGUMENT`. */
  readonly runnerEntry: URL;
  readonly limits: Pick<HostLimits, 'loadTimeoutMs'>;
  /** The host's environment: `TABAGENT_GPU` is read from it, and runners get the part of it they need. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly log: Logger;
  /** Why no runner may be started: every load is refused with it. */
  readonly refusal?: HostError | undefined;
  /** By which idle models are told. @default systemClock */
  readonly clock?: Clock;
}

/** How a caller follows a load. */
export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener<LoadProgress> | undefined;
}

/** What a load came to. */
export interface LoadResult {
  readonly model: LoadedModel;
  /** True when the model was in memory before, and its settings are those it was loaded with then. */
  readonly alreadyLoaded: boolean;
}

/** Longest a runner may take to say what memory it holds before it is ended, milliseconds. */
const MEMORY_TIMEOUT_MS = 2_000;

/**
 * Longest context taken, tokens. Published models go to 10 million; node-llama-cpp reckons for minutes over a billion
 * before it says that there is no such memory.
 */
const MAX_CONTEXT_TOKENS = 16 * 1024 * 1024;

interface LoadedEntry {
  readonly model: LoadedModel;
  readonly runner: RunnerProcess;
  readonly generations: Generations;
  readonly idle: IdleWatch;
  /** Weights it reads from its files where they lie, bytes. */
  readonly mapped: number;
}

/**
 * The supervisor: owns the models in memory, one runner process each, and which of them is active. llama.cpp never
 * runs in this process; what it does to its own costs one error or one state change here.
 */
export class Engine implements ModelServer {
  readonly #options: EngineOptions;
  readonly #runners: Runners;
  /** In the order they were loaded. */
  readonly #models = new Map<string, LoadedEntry>();
  readonly #loading = new Map<string, SharedWork<LoadedModel, LoadProgress>>();
  readonly #unloading = new Map<string, Promise<FreedMemory>>();
  readonly #listeners = new Set<(change: ServerChange) => void>();
  #activeId: string | null = null;
  #closed = false;

  /** @throws HostError `INVALID_REQUEST` for a `TABAGENT_GPU` that names no backend. */
  constructor(options: EngineOptions) {
    this.#options = options;
    this.#runners = new Runners(options);
  }

  /** The model that answers when a request names none: the one loaded or chosen last that is still in memory. */
  get activeId(): string | null {
    return this.#activeId;
  }

  /** Process id of the idle runner, or undefined: for the log, and for tests. */
  get warmPid(): number | undefined {
    return this.#runners.warmPid;
  }

  /** False where no runner is given a GPU: the user said so, or llama.cpp does not stand with it. */
  get usesGpu(): boolean {
    return this.#runners.usesGpu;
  }

  /** Weights that the loaded models read from their files where they lie, bytes: Linux counts them as available memory. */
  get mappedBytes(): number {
    return sum([...this.#models.values()].map(({ mapped }) => mapped));
  }

  /**
   * The models that may make room for another, in the order in which they go: the least recently used first, the active
   * one last. One that works on something is not among them.
   */
  evictionCandidates(): LoadedModel[] {
    const last = (id: string) => (id === this.#activeId ? 1 : 0);
    return [...this.#models.values()]
      .filter(({ idle }) => !idle.isWorking)
      .sort((a, b) => last(a.model.id) - last(b.model.id) || a.idle.lastUsed - b.idle.lastUsed)
      .map(({ model }) => model);
  }

  /**
   * Has a loaded model unload after being idle so long, milliseconds; undefined = never.
   *
   * @throws HostError `MODEL_NOT_LOADED`.
   */
  keepAlive(id: string, ms: number | undefined): void {
    const held = this.#models.get(id);
    if (held === undefined) throw modelNotLoaded(id);
    held.idle.keepAlive(ms);
  }

  /** Starts a runner ahead of a load that is likely to come. Cheap to call often. */
  warm(): void {
    if (!this.#closed && this.#options.refusal === undefined) this.#runners.warm();
  }

  /** The models in memory, in the order they were loaded. */
  list(): LoadedModel[] {
    return [...this.#models.values()].map(({ model }) => model);
  }

  get(id: string): LoadedModel | undefined {
    return this.#models.get(id)?.model;
  }

  /** Process id of the runner that holds a model, or undefined: for the log, and for tests. */
  pidOf(id: string): number | undefined {
    return this.#models.get(id)?.runner.pid;
  }

  /** True while the model's files may not be touched: it is loaded, being loaded, or just being unloaded. */
  isBusy(id: string): boolean {
    return this.#models.has(id) || this.#loading.has(id) || this.#unloading.has(id);
  }

  /** @throws HostError `MODEL_NOT_LOADED`. */
  setActive(id: string): void {
    if (!this.#models.has(id)) throw modelNotLoaded(id);
    this.#activeId = id;
  }

  /** Hears of every model that comes, goes or dies, until the returned function is called. */
  onChange(listener: (change: ServerChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Loads a model. A second call for the same model joins the first; one for a model in memory returns it as it is.
   *
   * @throws HostError `MODEL_REJECTED`, `INSUFFICIENT_MEMORY`, `ENGINE_CRASHED`, `ENGINE_UNAVAILABLE`, `LOAD_TIMEOUT`,
   * `UNSAFE_FOLDER` where somebody else could have put there what would run;
   * `INVALID_REQUEST` for a context no machine holds;
   * the signal's reason when aborted (the load itself ends when nobody waits for it any more).
   */
  async load(order: LoadRequest, options: LoadOptions = {}): Promise<LoadResult> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw hostShuttingDown();
    const present = this.get(order.id);
    if (present !== undefined) return { model: present, alreadyLoaded: true };

    if (this.#options.refusal !== undefined) throw this.#options.refusal;

    const { id, settings } = order;
    if (settings.contextSize > MAX_CONTEXT_TOKENS) throw contextTooLong(settings.contextSize);
    let work = this.#loading.get(id);
    if (work === undefined || work.isAbandoned) {
      const previous = work?.settled();
      const begun = new SharedWork<LoadedModel, LoadProgress>(async (signal, onProgress) => {
        await previous;
        return this.#load(order, { signal, onProgress, timeoutMs: this.#options.limits.loadTimeoutMs });
      });
      work = begun;
      this.#loading.set(id, begun);
      void begun.settled().then(() => {
        if (this.#loading.get(id) === begun) this.#loading.delete(id);
      });
    }
    return { model: await work.join(options), alreadyLoaded: false };
  }

  /**
   * Generates text. Requests to one model run in order, those to several at once.
   *
   * @throws HostError `MODEL_NOT_LOADED`, `MODEL_NOT_CAPABLE`, and what {@link Generations.run} throws.
   */
  async generate(id: string, order: GenerateRequest, options: GenerateOptions = {}): Promise<GenerationResult> {
    const held = this.#models.get(id);
    if (held === undefined) throw modelNotLoaded(id);
    assertCapable(held.model, 'generate');
    return held.idle.during(() => held.generations.run(order, options));
  }

  /**
   * Embeds some texts, in order, with the model's other work.
   *
   * @throws HostError `MODEL_NOT_LOADED`, `MODEL_NOT_CAPABLE`, and what {@link Generations.embed} throws.
   */
  async embed(id: string, order: EmbedRequest, options: EmbedOptions = {}): Promise<readonly Embedded[]> {
    const held = this.#models.get(id);
    if (held === undefined) throw modelNotLoaded(id);
    assertCapable(held.model, 'embed');
    return held.idle.during(() => held.generations.embed(order, options));
  }

  /**
   * Scores some documents against a query, in order, with the model's other work.
   *
   * @throws HostError `MODEL_NOT_LOADED`, `MODEL_NOT_CAPABLE`, and what {@link Generations.rank} throws.
   */
  async rank(id: string, order: RankRequest, options: EmbedOptions = {}): Promise<readonly Ranked[]> {
    const held = this.#models.get(id);
    if (held === undefined) throw modelNotLoaded(id);
    assertCapable(held.model, 'rank');
    return held.idle.during(() => held.generations.rank(order, options));
  }

  /**
   * Stops generations: of one model or of all, with one tag or with any. Says which models had some, and how many.
   */
  stopGenerations(which: { id?: string | undefined; tag?: string | number | undefined } = {}): {
    readonly model: LoadedModel;
    readonly count: number;
  }[] {
    return [...this.#models.values()]
      .filter(({ model }) => which.id === undefined || model.id === which.id)
      .map(({ model, generations }) => ({ model, count: generations.stop(which.tag) }))
      .filter(({ count }) => count > 0);
  }

  /**
   * Ends the runner that holds a model and resolves when the process is gone, with what it held.
   *
   * @param reason Why, where nobody asked for it.
   * @throws HostError `MODEL_NOT_LOADED`.
   */
  async unload(id: string, reason?: UnloadReason): Promise<FreedMemory> {
    const held = this.#models.get(id);
    if (held === undefined) throw modelNotLoaded(id);
    this.#remove(id);
    held.generations.close();
    const unloading = this.#end(held);
    this.#unloading.set(id, unloading);
    try {
      const freed = await unloading;
      this.#options.log.info('engine.unloaded', { id, reason, ...freed });
      return freed;
    } finally {
      this.#unloading.delete(id);
      this.#tell({ type: 'unloaded', id, activeId: this.#activeId, ...defined({ reason }) });
    }
  }

  /** Unloads every model; resolves with their ids once all of their processes are gone. */
  async unloadAll(): Promise<string[]> {
    const ids = [...this.#models.keys()];
    await Promise.all(ids.map((id) => this.unload(id)));
    return ids;
  }

  /** Gives up what is loading and ends every runner. Resolves when all are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const loading = [...this.#loading.values()];
    for (const work of loading) work.abort(hostShuttingDown());
    const held = [...this.#models.values()];
    for (const { generations, idle } of held) {
      generations.close();
      idle.close();
    }
    this.#models.clear();
    this.#activeId = null;
    await Promise.all([
      this.#runners.close(),
      ...held.map(({ runner }) => runner.kill()),
      ...loading.map((work) => work.settled()),
      ...this.#unloading.values(),
    ]);
  }

  async #load(order: LoadRequest, watch: LoadWatch): Promise<LoadedModel> {
    const { id } = order;
    const { log } = this.#options;
    const start = performance.now();
    await this.#unloading.get(id);
    const { runner, ...loaded } = await this.#runners.load(order, watch);
    if (this.#closed) {
      await runner.kill();
      throw hostShuttingDown();
    }
    const model = describeModel(order, { ...loaded, loadTimeMs: Math.round(performance.now() - start) });
    const idle = new IdleWatch({
      clock: this.#options.clock ?? systemClock,
      keepAliveMs: order.keepAliveMs,
      onIdle: () =>
        void this.unload(id, 'idle').catch((error: unknown) => log.error('engine.unload-failed', { id, error })),
    });
    const mapped = mappedBytes(order, loaded.figures.gpuLayers);
    this.#models.set(id, { model, runner, generations: new Generations(id, runner), idle, mapped });
    this.#activeId = id;
    void runner.exited.then((exit) => this.#lost(id, runner, exit));
    log.info('engine.loaded', { ...model, pid: runner.pid, ...loaded.facts });
    this.#tell({ type: 'loaded', id, activeId: id });
    return model;
  }

  async #end({ model, runner }: LoadedEntry): Promise<FreedMemory> {
    const asked: Promise<MemoryUse | undefined> = runner.call('memory', null).catch(() => undefined);
    const timeout = AbortSignal.timeout(MEMORY_TIMEOUT_MS);
    const silent = new Promise<undefined>((resolve) => {
      timeout.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const memory = await Promise.race([asked, silent]);
    await runner.kill();
    // A runner too busy to answer is ended all the same; then the figures of its load are the best there are.
    return { ramFreed: memory?.ram ?? model.ramUsed, vramFreed: memory?.vram ?? model.vramUsed };
  }

  #lost(id: string, runner: RunnerProcess, exit: RunnerExit): void {
    if (this.#models.get(id)?.runner !== runner) return;
    this.#remove(id);
    const error = crashed(exit);
    this.#options.log.error('engine.crashed', { id, during: 'idle', ...error.details });
    this.#tell({ type: 'lost', id, activeId: this.#activeId, error });
  }

  /** Takes a model off the list. When it was the active one, the one loaded last of the others takes its place. */
  #remove(id: string): void {
    this.#models.get(id)?.idle.close();
    this.#models.delete(id);
    if (this.#activeId === id) this.#activeId = [...this.#models.keys()].at(-1) ?? null;
  }

  #tell(change: ServerChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function contextTooLong(contextSize: number): HostError {
  return new HostError(
    'INVALID_REQUEST',
    `Expected a context of at most ${MAX_CONTEXT_TOKENS} tokens, got ${contextSize}. Choose a smaller n_ctx.`,
    { details: { field: 'n_ctx', expected: `at most ${MAX_CONTEXT_TOKENS}`, found: contextSize } },
  );
}
