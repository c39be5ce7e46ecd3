import type { Clock } from '../common/clock.ts';
import { modelNotCapable, modelUnloaded } from '../common/host-errors.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { Ability } from '../gguf/abilities.ts';
import type { RequestId } from '../protocol/messages.ts';
import {
  type GenerateRequest,
  type GenerationProgress,
  type GenerationResult,
  NOTHING_GENERATED,
} from './generation.ts';
import type { EngineModel, FreedMemory, LoadedModel, RequestOptions } from './model-engine.ts';

/** A lease on a model's files: until it is released, no host on this machine deletes, repairs or moves them. */
export interface Lease {
  release(): void;
}

/** Settings that a request for a load chose, by name. */
export type RequestedSettings = Readonly<Record<string, unknown>>;

/** How a caller follows a generation, and by which tag others can stop it. */
export interface GenerateOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener<GenerationProgress> | undefined;
  readonly tag?: RequestId | undefined;
}

/** A generation that can be stopped. */
interface Generation {
  readonly tag: RequestId | undefined;
  readonly stop: AbortController;
  /** Set as soon as the generation has started. */
  result: Promise<GenerationResult> | undefined;
}

/** One loaded model with its lease, its running requests and its idle timer. */
export class LoadedEntry {
  readonly settings: RequestedSettings;
  readonly #clock: Clock;
  readonly #onStart: () => void;
  readonly #onIdle: () => void;
  readonly #generations = new Set<Generation>();
  /** Aborted when the model is unloaded: every request that still runs ends with its reason. */
  readonly #unloaded = new AbortController();
  #model: EngineModel;
  #lease: Lease | undefined;
  #requests = 0;
  #lastUsed: number;
  #keepAliveMs: number | null = null;
  #cancelTimer: (() => void) | undefined;

  /**
   * @param options.onStart Called before every request.
   * @param options.onIdle Called when the model has been idle for its keep-alive time.
   */
  constructor(options: {
    model: EngineModel;
    lease: Lease | undefined;
    settings: RequestedSettings;
    clock: Clock;
    onStart: () => void;
    onIdle: () => void;
  }) {
    this.settings = options.settings;
    this.#model = options.model;
    this.#lease = options.lease;
    this.#clock = options.clock;
    this.#onStart = options.onStart;
    this.#onIdle = options.onIdle;
    this.#lastUsed = options.clock.now();
  }

  get info(): LoadedModel {
    return this.#model.info;
  }

  /** True while a request runs. */
  get isInUse(): boolean {
    return this.#requests > 0;
  }

  /** When the last request ended, on the clock. */
  get lastUsed(): number {
    return this.#lastUsed;
  }

  /** The idle time after which `onIdle` is called, milliseconds; null = never. */
  get keepAliveMs(): number | null {
    return this.#keepAliveMs;
  }

  isOf(model: EngineModel): boolean {
    return this.#model === model;
  }

  /** Replaces the model with the result of another load of it; running requests continue with the old one. */
  replace(model: EngineModel, lease: Lease | undefined): void {
    this.#lease?.release();
    this.#lease = lease;
    this.#model = model;
  }

  /** Sets the idle time after which `onIdle` is called, milliseconds, from now on; null = never. */
  keepAlive(ms: number | null): void {
    this.#keepAliveMs = ms;
    this.#restartTimer();
  }

  generate(
    request: GenerateRequest | (() => Promise<GenerateRequest>),
    { signal, onProgress, tag }: GenerateOptions,
  ): Promise<GenerationResult> {
    const generation: Generation = { tag, stop: new AbortController(), result: undefined };
    const result = this.use('generate', signal, async (model, options) => {
      this.#generations.add(generation);
      try {
        const prepared = typeof request === 'function' ? await request() : request;
        options.signal.throwIfAborted();
        if (generation.stop.signal.aborted) return NOTHING_GENERATED;
        return await model.generate(prepared, { ...options, stop: generation.stop.signal, onProgress });
      } finally {
        this.#generations.delete(generation);
      }
    });
    generation.result = result;
    return result;
  }

  /**
   * Runs a request to the model.
   *
   * @param ability The ability that the request needs; null if every model has it.
   *
   * @throws HostError `MODEL_NOT_CAPABLE` if the model's file shows it, before the request is sent to the engine;
   *   `MODEL_NOT_LOADED` when the model is unloaded meanwhile; what `run` throws; the signal's reason when aborted.
   */
  async use<T>(
    ability: Ability | null,
    signal: AbortSignal | undefined,
    run: (model: EngineModel, options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    if (ability !== null) this.#assertCapable(ability);
    const either = signal === undefined ? this.#unloaded.signal : AbortSignal.any([signal, this.#unloaded.signal]);
    either.throwIfAborted();
    this.#onStart();
    this.#requests += 1;
    this.#restartTimer();
    try {
      return await run(this.#model, { signal: either });
    } finally {
      this.#requests -= 1;
      this.#lastUsed = this.#clock.now();
      this.#restartTimer();
    }
  }

  /** Stops the generations with this tag, or all; returns their results. */
  stopGenerations(tag: RequestId | undefined): Promise<GenerationResult>[] {
    const matching = [...this.#generations].filter((generation) => tag === undefined || generation.tag === tag);
    for (const { stop } of matching) stop.abort();
    return matching.flatMap(({ result }) => result ?? []);
  }

  /**
   * Ends all requests and unloads the model; returns what that freed.
   *
   * @param there Whether another host that has the model loaded unloads it, too.
   */
  async unload(there: boolean): Promise<FreedMemory> {
    this.#endRequests();
    if (there && this.#model.unloadThere !== undefined) {
      try {
        return await this.#model.unloadThere();
      } finally {
        this.release();
      }
    }
    const freed = await this.#model.memory();
    await this.close();
    return freed;
  }

  /** {@link unload} without measuring. */
  async close(): Promise<void> {
    this.#endRequests();
    await this.#model.unload();
    this.release();
  }

  /** Stops the timer and releases the lease: the model is gone. */
  release(): void {
    this.keepAlive(null);
    this.#lease?.release();
  }

  #endRequests(): void {
    this.keepAlive(null);
    this.#unloaded.abort(modelUnloaded(this.info.id));
  }

  #assertCapable(ability: Ability): void {
    const { id, architecture, abilities } = this.info;
    const reason = abilities?.[ability] ?? null;
    if (abilities === undefined || reason === null) return;
    const hint = ability === 'rank' && abilities.embed === null ? 'This model supports semantic search.' : undefined;
    throw modelNotCapable(id, ability, reason, { hint, architecture });
  }

  #restartTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#keepAliveMs !== null && !this.isInUse) {
      this.#cancelTimer = this.#clock.after(this.#keepAliveMs, this.#onIdle);
    }
  }
}
