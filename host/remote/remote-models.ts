import { HostError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import type { GenerateOrder, GenerationResult } from '../serving/generation.ts';
import {
  type FreedMemory,
  type GenerateOptions,
  type ModelServer,
  notLoaded,
  type ServedModel,
  type ServerChange,
  type StoppedGenerations,
} from '../serving/model-server.ts';
import type { ConfiguredEngines } from './configured-engines.ts';
import { describeRemote } from './describe-remote.ts';
import { type RemoteModelFacts, unlistedModel } from './model-list.ts';
import type { RemoteEngine } from './remote-engine.ts';

interface Running {
  readonly tag: string | number | undefined;
  readonly stop: AbortController;
}

interface Held {
  model: ServedModel;
  readonly name: RemoteId;
  readonly running: Set<Running>;
  /** True once it was unloaded: what still runs ends with that as its fault. */
  isGone: boolean;
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
    if (!this.#models.has(id)) throw notLoaded(id);
    this.#activeId = id;
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
    if (present === undefined) this.#models.set(name.id, { model, name, running: new Set(), isGone: false });
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
  async generate(id: string, order: GenerateOrder, options: GenerateOptions = {}): Promise<GenerationResult> {
    const { signal, onProgress, tag } = options;
    return this.#use(id, tag, async ({ name }, engine, stop) =>
      engine.generate(name.model, order, { signal, onProgress, stop: stop.signal }),
    );
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
    const held = this.#models.get(id);
    if (held === undefined) throw notLoaded(id);
    this.#remove(held);
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

  async #use(
    id: string,
    tag: Running['tag'],
    work: (held: Held, engine: RemoteEngine, stop: AbortController) => Promise<GenerationResult>,
  ): Promise<GenerationResult> {
    const held = this.#models.get(id);
    if (held === undefined) throw notLoaded(id);
    const running: Running = { tag, stop: new AbortController() };
    held.running.add(running);
    try {
      const { engine } = await this.#engines.open(held.name.engine);
      const result = await work(held, engine, running.stop).catch(async (error: unknown) => {
        throw (await this.#vanished(held, engine, error)) ?? error;
      });
      if (held.isGone && result.finishReason === 'stopped') throw unloadedMeanwhile(id);
      return result;
    } finally {
      held.running.delete(running);
    }
  }

  /** An engine that knows nothing of what it was asked for may have lost the model: its list says which. */
  async #vanished(held: Held, engine: RemoteEngine, error: unknown): Promise<HostError | undefined> {
    if (!(error instanceof HostError) || error.code !== 'REMOTE_ERROR' || error.details?.status !== 404)
      return undefined;
    const { id } = held.name;
    try {
      await findModel(engine, held.name, undefined, undefined);
      return undefined;
    } catch (absent) {
      if (!(absent instanceof HostError) || absent.code !== 'REMOTE_MODEL_NOT_FOUND') return undefined;
    }
    const lost = new HostError(
      'MODEL_NOT_LOADED',
      `The engine "${held.name.engine}" has no model ${held.name.model} any more.`,
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
    held.isGone = true;
    this.#models.delete(id);
    for (const { stop } of held.running) stop.abort();
    if (this.#activeId === id) this.#activeId = [...this.#models.keys()].at(-1) ?? null;
  }

  #tell(change: ServerChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/**
 * Asks an engine for one of its models. One that the configuration names need not be listed.
 *
 * @throws HostError `REMOTE_MODEL_NOT_FOUND`.
 */
async function findModel(
  engine: RemoteEngine,
  { model, engine: name }: RemoteId,
  named: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<RemoteModelFacts> {
  const isNamed = named?.includes(model) === true;
  const models = await engine.models({ signal }).catch((error: unknown) => {
    // It has answered, though not with a list: some serve a model and list none.
    if (isNamed && error instanceof HostError && error.code === 'REMOTE_ERROR') return [];
    throw error;
  });
  const facts = models.find((listed) => listed.model === model);
  if (facts !== undefined) return facts;
  if (isNamed) return unlistedModel(model);
  throw new HostError(
    'REMOTE_MODEL_NOT_FOUND',
    `The engine "${name}" has no model "${model}". GET_AVAILABLE_MODELS lists what it has.`,
    {
      details: { engine: name, model },
    },
  );
}

function unloadedMeanwhile(id: string): HostError {
  return new HostError('MODEL_NOT_LOADED', `Model not loaded: ${id}. It was unloaded while it generated.`, {
    details: { modelId: id },
  });
}
