import type { HostError } from '../common/errors.ts';
import { modelNotCapable, modelNotLoaded } from '../common/host-errors.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from './embedding.ts';
import type { GenerateRequest, GenerationResult } from './generation.ts';
import type {
  EmbedOptions,
  FreedMemory,
  GenerateOptions,
  ModelServer,
  ServedModel,
  StoppedGenerations,
} from './model-server.ts';

/**
 * Every model that answers, whoever runs it: the one place where a model's id leads to its server. The servers know
 * nothing of each other, and nobody else need know which there are.
 */
export class ServedModels {
  readonly #servers: ModelServer[] = [];
  /** The server whose active model is the active one: that of the last load or choice. */
  #chosen: ModelServer | undefined;

  /** Takes a server in, with the models it has by now. */
  add(server: ModelServer): void {
    this.#servers.push(server);
    server.onChange(({ type }) => {
      if (type === 'loaded') this.#chosen = server;
    });
  }

  /** The model that answers when a request names none: the one loaded or chosen last that still answers. */
  get activeId(): string | null {
    const chosen = this.#chosen?.activeId ?? null;
    return chosen ?? this.#servers.find(({ activeId }) => activeId !== null)?.activeId ?? null;
  }

  list(): ServedModel[] {
    return this.#servers.flatMap((server) => server.list());
  }

  get(id: string): ServedModel | undefined {
    return this.#find(id)?.get(id);
  }

  /** @throws HostError `MODEL_NOT_LOADED`. */
  setActive(id: string): void {
    const server = this.#serverOf(id);
    server.setActive(id);
    this.#chosen = server;
  }

  /** @throws HostError `MODEL_NOT_LOADED`, and what the model's server throws. */
  async generate(id: string, order: GenerateRequest, options: GenerateOptions = {}): Promise<GenerationResult> {
    return this.#serverOf(id).generate(id, order, options);
  }

  /** @throws HostError `MODEL_NOT_LOADED`, `MODEL_NOT_CAPABLE`, and what the model's server throws. */
  async embed(id: string, order: EmbedRequest, options: EmbedOptions = {}): Promise<readonly Embedded[]> {
    const server = this.#serverOf(id);
    if (server.embed === undefined) throw notOffered(id, 'embed');
    return server.embed(id, order, options);
  }

  /** @throws HostError `MODEL_NOT_LOADED`, `MODEL_NOT_CAPABLE`, and what the model's server throws. */
  async rank(id: string, order: RankRequest, options: EmbedOptions = {}): Promise<readonly Ranked[]> {
    const server = this.#serverOf(id);
    if (server.rank === undefined) throw notOffered(id, 'rank');
    return server.rank(id, order, options);
  }

  /** Stops generations: of one model or of all, with one tag or with any. Says which models had some, and how many. */
  stopGenerations(
    which: { id?: string | undefined; tag?: string | number | undefined } = {},
  ): readonly StoppedGenerations[] {
    return this.#servers.flatMap((server) => server.stopGenerations(which));
  }

  /** @throws HostError `MODEL_NOT_LOADED`. */
  async unload(id: string): Promise<FreedMemory> {
    return this.#serverOf(id).unload(id);
  }

  /** Unloads every model; resolves with their ids. */
  async unloadAll(): Promise<string[]> {
    return (await Promise.all(this.#servers.map((server) => server.unloadAll()))).flat();
  }

  #find(id: string): ModelServer | undefined {
    return this.#servers.find((server) => server.get(id) !== undefined);
  }

  #serverOf(id: string): ModelServer {
    const server = this.#find(id);
    if (server === undefined) throw modelNotLoaded(id);
    return server;
  }
}

function notOffered(id: string, ability: 'embed' | 'rank'): HostError {
  return modelNotCapable(id, ability, 'its engine does not support it');
}
