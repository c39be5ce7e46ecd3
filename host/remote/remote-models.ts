import { HostError, isHostError } from '../common/errors.ts';
import { modelNotLoaded, modelUnloaded } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import type { Embedded, EmbedRequest } from '../models/embedding.ts';
import type { GenerateRequest, GenerationResult } from '../models/generation.ts';
import type {
  EmbedOptions,
  FreedMemory,
  GenerateOptions,
  ModelServer,
  ServedModel,
  ServerChange,
  StoppedGenerations,
} from '../models/model-server.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import type { ConfiguredEngines } from './configured-engines.ts';
import { describeRemote } from './describe-remote.ts';
import { findModel } from './find-model.ts';
import type { RemoteEngine } from './remote-engine.ts';

interface Running {
  readonly tag: string | number | undefined;
  readonly stop: AbortController;
}

interface Held {
  model: ServedModel;
  readonly name: RemoteId;
  readonly running: Set<Running>;
  /** Aborted when it is unloaded: with that as its fault, whatever still runs ends. */
  readonly gone: AbortController;
}

/**
 * The models of engines elsewhere that were loaded, which means: that answered when they were asked for. How they are
 * reached is looked up with each request, so an engine may restart, move or get another key meanwhile.
 */
export class RemoteModels implements ModelServer {
  readonly #engines: ConfiguredEngines;
  readonly #log: Logger;
  /** In the order they were loaded. */
  readonly #models = new Map<string, Held>();
  readonly #listeners = new Set<(change: ServerChange) => void>();
  #activeId: string | null = null;

  constructor(engines: ConfiguredEngines, log: Logger) {
    this.#engines = engines;
    this.#log = log;
  }

  get activeId(): string | null {
    return this.#activeId;
  }

  list(): ServedModel[] {
    return [...this.#models.values()].map(({ model }) => model);
  }

  get(id: string): ServedModel | undefined {
    return this.#models.get(id)?.model;
  }

  setActive(id: string): void {
    this.#activeId = this.#held(id).name.id;
  }

  onChange(listener: (change: ServerChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Makes sure that an engine answers and has the model, which is then the active one. A model that was loaded before is
   * asked for again.
   *
   * @throws HostError `REMOTE_NOT_CONFIGURED`, `REMOTE_MODEL_NOT_FOUND`, and what {@link RemoteEngine.models} throws.
   */
  async load(name: RemoteId, signal?: AbortSignal): Promise<ServedModel> {
    const begin = performance.now();
    const { engine, endpoint } = await this.#engines.open(name.engine);
    const facts = await findModel(engine, name, endpoint.models, signal);
    signal?.throwIfAborted();
    const model = describeRemote(name, facts, Math.round(performance.now() - begin));
    const present = this.#models.get(name.id);
    if (present === undefined)
      this.#models.set(name.id, { model, name, running: new Set(), gone: new AbortController() });
    else present.model = model;
    this.#activeId = name.id;
    this.#log.info('remote.loaded', { id: name.id, ms: model.loadTimeMs });
    this.#tell({ type: 'loaded', id: name.id, activeId: name.id });
    return model;
  }

  /**
   * Generates text on the model's engine; requests run side by side as far as that lets them.
   *
   * @throws HostError `MODEL_NOT_LOADED`, also for a model its engine has no more, and what
   * {@link RemoteEngine.generate} throws.
   */
  async generate(id: string, order: GenerateRequest, options: GenerateOptions = {}): Promise<GenerationResult> {
    const { onProgress, tag } = options;
    const held = this.#held(id);
    const running: Running = { tag, stop: new AbortController() };
    held.running.add(running);
    try {
      return await this.#use(held, options.signal, (engine, signal) =>
        engine.generate(held.name.model, order, { signal, onProgress, stop: running.stop.signal }),
      );
    } finally {
      held.running.delete(running);
    }
  }

  /** @throws HostError as {@link generate}. */
  async embed(id: string, order: EmbedRequest, options: EmbedOptions = {}): Promise<readonly Embedded[]> {
    const held = this.#held(id);
    return this.#use(held, options.signal, (engine, signal) => engine.embed(held.name.model, order, signal));
  }

  stopGenerations(which: { id?: string | undefined; tag?: string | number | undefined } = {}): StoppedGenerations[] {
    return [...this.#models.values()]
      .filter(({ model }) => which.id === undefined || model.id === which.id)
      .map(({ model, running }) => {
        const meant = [...running].filter(({ tag }) => which.tag === undefined || tag === which.tag);
        for (const { stop } of meant) stop.abort();
        return { model, count: meant.length };
      })
      .filter(({ count }) => count > 0);
  }

  /** Takes a model off the list; the memory it has elsewhere is its engine's own business. */
  async unload(id: string): Promise<FreedMemory> {
    this.#remove(this.#held(id));
    this.#tell({ type: 'unloaded', id, activeId: this.#activeId });
    return { ramFreed: 0, vramFreed: 0 };
  }

  async unloadAll(): Promise<string[]> {
    const ids = [...this.#models.keys()];
    for (const id of ids) await this.unload(id);
    return ids;
  }

  /** Ends what runs. */
  close(): void {
    for (const held of [...this.#models.values()]) this.#remove(held);
  }

  #held(id: string): Held {
    const held = this.#models.get(id);
    if (held === undefined) throw modelNotLoaded(id);
    return held;
  }

  /** Does something with a model as its engine is reached now, until it is unloaded or the caller goes. */
  async #use<T>(
    held: Held,
    caller: AbortSignal | undefined,
    work: (engine: RemoteEngine, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const signal = caller === undefined ? held.gone.signal : AbortSignal.any([caller, held.gone.signal]);
    signal.throwIfAborted();
    const { engine } = await this.#engines.open(held.name.engine);
    try {
      return await work(engine, signal);
    } catch (error) {
      throw (await this.#vanished(held, engine, error)) ?? error;
    }
  }

  /** An engine that knows nothing of what it was asked for may have lost the model: its list says which. */
  async #vanished(held: Held, engine: RemoteEngine, error: unknown): Promise<HostError | undefined> {
    if (!isHostError(error, 'REMOTE_ERROR') || error.details?.status !== 404) return undefined;
    const { id } = held.name;
    try {
      await findModel(engine, held.name, undefined, undefined);
      return undefined;
    } catch (absent) {
      if (!isHostError(absent, 'REMOTE_MODEL_NOT_FOUND')) return undefined;
    }
    const lost = new HostError(
      'MODEL_NOT_LOADED',
      `Remote engine "${held.name.engine}" no longer has the model ${held.name.model}.`,
      {
        details: { modelId: id },
      },
    );
    if (this.#models.get(id) === held) {
      this.#remove(held);
      this.#tell({ type: 'lost', id, activeId: this.#activeId, error: lost });
    }
    return lost;
  }

  /** When it was the active one, the one loaded last of the others takes its place. */
  #remove(held: Held): void {
    const { id } = held.name;
    this.#models.delete(id);
    held.gone.abort(modelUnloaded(id));
    if (this.#activeId === id) this.#activeId = [...this.#models.keys()].at(-1) ?? null;
  }

  #tell(change: ServerChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
