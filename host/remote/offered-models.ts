import { isHostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type RemoteId, remoteIdOf } from '../protocol/remote-id.ts';
import { type RemoteModelFacts, unlistedModel } from './model-list.ts';
import type { RemoteEngines } from './remote-engines.ts';

/** Time limit for listing the models of an engine, in milliseconds: a reply waits for it. */
const LIST_TIMEOUT_MS = 2_000;

/** How long the list of an engine, or a failure, is cached, in milliseconds. */
const CACHE_MS = 10_000;

/** A model of a remote engine that can be loaded. */
export interface OfferedModel {
  readonly name: RemoteId;
  readonly facts: RemoteModelFacts;
}

interface Listing {
  readonly at: number;
  readonly models: Promise<OfferedModel[]>;
}

/** The models that remote engines offer, without those of engines that do not respond. */
export class OfferedModels {
  readonly #engines: RemoteEngines;
  readonly #log: Logger;
  readonly #listings = new Map<string, Listing>();

  constructor(engines: RemoteEngines, log: Logger) {
    this.#engines = engines;
    this.#log = log;
  }

  /** Returns the models of all engines, in the order of the configuration. */
  async list(): Promise<OfferedModel[]> {
    const engines = await this.#engines.list();
    return (await Promise.all(engines.map(({ name }) => this.#of(name)))).flat();
  }

  /** Clears the cache. Call it when keys, addresses or models have changed. */
  clearCache(): void {
    this.#listings.clear();
  }

  #of(engine: string): Promise<OfferedModel[]> {
    const known = this.#listings.get(engine);
    if (known !== undefined && performance.now() - known.at < CACHE_MS) return known.models;
    const models = this.#request(engine);
    this.#listings.set(engine, { at: performance.now(), models });
    return models;
  }

  async #request(name: string): Promise<OfferedModel[]> {
    try {
      const { engine, endpoint } = await this.#engines.connect(name, LIST_TIMEOUT_MS);
      const listed = await this.#listed(engine, endpoint.models);
      return listed.flatMap((facts) => {
        const id = remoteIdOf(name, facts.model);
        return id === undefined ? [] : [{ name: id, facts }];
      });
    } catch (error) {
      if (!isHostError(error)) throw error;
      this.#log.info('remote.not-listed', { engine: name, code: error.code });
      return [];
    }
  }

  /** Configured models are offered even if the engine does not respond: it may start with the first request. */
  async #listed(
    engine: { models(options: { once: boolean; timeoutMs: number }): Promise<RemoteModelFacts[]> },
    configured: readonly string[] | undefined,
  ): Promise<RemoteModelFacts[]> {
    const listed = engine.models({ once: true, timeoutMs: LIST_TIMEOUT_MS });
    if (configured === undefined) return listed;
    const known = await listed.catch((error: unknown) => {
      if (isHostError(error)) return [];
      throw error;
    });
    return configured.map((model) => known.find((facts) => facts.model === model) ?? unlistedModel(model));
  }
}
