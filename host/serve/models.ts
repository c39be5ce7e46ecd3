import { isHostError } from '../common/errors.ts';
import { matchingModels } from '../protocol/short-names.ts';
import { ApiError, invalidParam } from './api-error.ts';
import type { HostClient } from './host-client.ts';

/** A model as `/v1/models` lists it. It has no path: a caller does not learn where files are. */
export interface ListedModel {
  readonly id: string;
  readonly object: 'model';
  /** Unix seconds: when it was loaded; 0 if it is not loaded, since files have no date of creation. */
  readonly created: number;
  readonly owned_by: string;
  readonly loaded: boolean;
  /** What it can do and its context length in tokens, while it is loaded. */
  readonly capabilities?: readonly string[];
  readonly context_length?: number;
}

/** A loaded model. */
export interface ReadyModel {
  readonly id: string;
  /** Tokens; 0 if it is unknown, as for a remote model. */
  readonly contextSize: number;
}

/** The models that programs can use: those that are loaded, and those that are downloaded, which are loaded when used. */
export class Models {
  readonly #client: HostClient;
  readonly #keepAlive: number;

  /** @param keepAlive Seconds without use after which a model that was loaded for a program is unloaded; -1 for never. */
  constructor(client: HostClient, keepAlive: number) {
    this.#client = client;
    this.#keepAlive = keepAlive;
  }

  async list(): Promise<ListedModel[]> {
    const [loaded, downloaded] = await Promise.all([this.#loaded(), this.#downloaded()]);
    const entries = loaded.map(({ modelId: id, loaded_at, capabilities, config }): ListedModel => {
      const length = config.context_size === 0 ? {} : { context_length: config.context_size };
      const created = Math.floor(loaded_at);
      return {
        ...{ id, object: 'model', created, owned_by: ownerOf(id), loaded: true },
        ...(capabilities === undefined ? {} : { capabilities }),
        ...length,
      };
    });
    const ids = new Set(entries.map(({ id }) => id));
    const others = downloaded
      .filter(({ id }) => !ids.has(id))
      .map(({ id }): ListedModel => ({ id, object: 'model', created: 0, owned_by: ownerOf(id), loaded: false }));
    return [...entries, ...others];
  }

  /**
   * Returns the model that a request names, loaded. A name is an id, or a short name as on the command line. Without a
   * name it is the active model. A model that is not downloaded is never downloaded.
   *
   * @throws ApiError if there is no such model; HostError if it cannot be loaded.
   */
  async ready(name: unknown, signal: AbortSignal): Promise<ReadyModel> {
    if (name !== undefined && name !== null && typeof name !== 'string') throw invalidParam('model', 'a string');
    const loaded = await this.#loaded();
    const wanted = name ? name : await this.#activeId();
    const present = loaded.find(({ modelId }) => modelId === wanted);
    if (present !== undefined) return { id: present.modelId, contextSize: present.config.context_size };
    const id = await this.#idOf(wanted);
    const { payload } = await this.#client.request(
      'LOAD_MODEL',
      { modelId: id, keepAlive: this.#keepAlive, reload: false },
      { signal },
    );
    return { id: payload.modelId, contextSize: payload.contextSize };
  }

  /**
   * Runs work with a model. If the model is unloaded meanwhile, loads it and runs the work once more.
   *
   * @param canRepeat Returns false once the client has received a part of the result, which it would receive twice.
   * @throws as {@link ready}; what `work` throws.
   */
  async use<T>(
    name: unknown,
    signal: AbortSignal,
    work: (model: ReadyModel) => Promise<T>,
    canRepeat: () => boolean = () => true,
  ): Promise<T> {
    const model = await this.ready(name, signal);
    try {
      return await work(model);
    } catch (error) {
      if (!isHostError(error, 'MODEL_NOT_LOADED') || !canRepeat() || (await this.#isLoaded(model.id))) throw error;
      return work(await this.ready(model.id, signal));
    }
  }

  #loaded() {
    return this.#client.all('GET_LOADED_MODELS', ({ models }) => models);
  }

  async #isLoaded(id: string): Promise<boolean> {
    return (await this.#loaded()).some(({ modelId }) => modelId === id);
  }

  #downloaded() {
    return this.#client.all('GET_DOWNLOADED_MODELS', ({ models }) => models.filter(({ kind }) => kind !== 'adapter'));
  }

  async #activeId(): Promise<string> {
    const { payload } = await this.#client.request('GET_CURRENT_MODEL');
    if (payload.modelId !== null) return payload.modelId;
    throw new ApiError(404, 'model_not_found', 'No model is loaded. Name one of /v1/models in `model`.', 'model');
  }

  async #idOf(name: string): Promise<string> {
    const [found, another] = matchingModels(name, await this.#downloaded());
    if (found !== undefined && another === undefined) return found.id;
    const why = found === undefined ? 'is not downloaded' : 'matches several models';
    throw new ApiError(404, 'model_not_found', `The model ${quoted(name)} ${why}. /v1/models lists all.`, 'model');
  }
}

/** Longest part of a name that an error repeats, characters. */
const MAX_SHOWN = 200;

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, MAX_SHOWN));
}

function ownerOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}
