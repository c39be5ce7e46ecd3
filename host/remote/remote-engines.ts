import { HostError, isHostError } from '../common/errors.ts';
import { withTimeout } from '../common/with-timeout.ts';
import type { RemoteEngineEntry } from '../configuration/config-file.ts';
import type { ProxyRoutes } from '../hub/proxy.ts';
import type { ModelEngine } from '../models/model-engine.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import { type Endpoint, readEndpoint } from './endpoint.ts';
import type { FoundKey } from './keys.ts';
import { RemoteEngine } from './remote-engine.ts';
import { describeRemote, findModel, RemoteModel } from './remote-model.ts';

/** Where the engines are configured, and how they are reached. */
export interface RemoteEnginesOptions {
  /** Reads the configured entries. Called for each use, so that a changed file takes effect without a restart. */
  readonly entries: () => Promise<readonly RemoteEngineEntry[]>;
  /** Finds engines that need no configuration. A configured one of the same name takes precedence. */
  readonly found: () => Promise<readonly RemoteEngineEntry[]>;
  readonly keyOf: (endpoint: Endpoint) => Promise<FoundKey | undefined>;
  readonly proxies: ProxyRoutes;
  readonly limits: { readonly retryBaseMs: number; readonly connectTimeoutMs: number };
}

/** An engine of the configuration: its endpoint, or why its entry cannot be used. */
export interface ConfiguredEngine {
  readonly name: string;
  /** False for one that was found on this computer. */
  readonly isConfigured: boolean;
  readonly endpoint: Endpoint | undefined;
  readonly error: HostError | undefined;
}

/** The remote engines that are configured or were found on this machine. */
export class RemoteEngines implements ModelEngine<RemoteId> {
  readonly #options: RemoteEnginesOptions;

  constructor(options: RemoteEnginesOptions) {
    this.#options = options;
  }

  /** Lists all of them; of two with the same name the first counts. */
  async list(): Promise<ConfiguredEngine[]> {
    const engines = new Map<string, ConfiguredEngine>();
    const { entries, found } = this.#options;
    const [own, others] = await Promise.all([entries(), found()]);
    for (const entry of [...own, ...others]) {
      if (!engines.has(entry.name)) engines.set(entry.name, describe(entry, own.includes(entry)));
    }
    return [...engines.values()];
  }

  /** @throws HostError `REMOTE_NOT_CONFIGURED`. */
  async find(name: string): Promise<ConfiguredEngine> {
    // A configured engine takes precedence, so there is no need to look for running ones.
    const entry = (await this.#options.entries()).find((candidate) => candidate.name === name);
    if (entry !== undefined) return describe(entry, true);
    const engines = await this.list();
    const found = engines.find((engine) => engine.name === name);
    if (found !== undefined) return found;
    throw new HostError(
      'REMOTE_NOT_CONFIGURED',
      `No remote engine named "${name}" is configured. Add it to "remoteEngines" in config.json.`,
      { details: { engine: name, expected: engines.map((engine) => engine.name) } },
    );
  }

  /**
   * Checks that an engine answers and has a model.
   *
   * @throws HostError `REMOTE_MODEL_NOT_FOUND`, and as {@link connect} and {@link RemoteEngine.models}.
   */
  async load(name: RemoteId, { signal }: { signal: AbortSignal }): Promise<RemoteModel> {
    const start = performance.now();
    const { engine, endpoint } = await this.connect(name.engine);
    const facts = await findModel(engine, name, { configured: endpoint.models, signal });
    const info = describeRemote(name, facts, Math.round(performance.now() - start));
    return new RemoteModel(name, info, async () => (await this.connect(name.engine)).engine);
  }

  /**
   * Looks up how an engine is reached now.
   *
   * @param keyTimeoutMs Longest the keychain may take to return the API key, in milliseconds; it may ask the user for a
   * password. Default: the keychain's own limit.
   * @throws HostError `REMOTE_NOT_CONFIGURED`, `CONFIG_UNUSABLE`, `KEYCHAIN_UNAVAILABLE`, `UNAUTHORIZED` for an invalid
   * key.
   */
  async connect(
    name: string,
    keyTimeoutMs?: number,
  ): Promise<{ engine: RemoteEngine; endpoint: Endpoint; key: FoundKey | undefined }> {
    const { endpoint, error } = await this.find(name);
    if (endpoint === undefined) throw error;
    const { keyOf, proxies, limits } = this.#options;
    const key = await (keyTimeoutMs === undefined
      ? keyOf(endpoint)
      : withTimeout(keyOf(endpoint), keyTimeoutMs, keychainTimeout));
    return { engine: new RemoteEngine({ endpoint, key: key?.key, proxies, ...limits }), endpoint, key };
  }
}

function keychainTimeout(): HostError {
  return new HostError(
    'KEYCHAIN_UNAVAILABLE',
    'The API key could not be read because the system keychain did not respond in time.',
  );
}

function describe(entry: RemoteEngineEntry, isConfigured: boolean): ConfiguredEngine {
  try {
    return { name: entry.name, isConfigured, endpoint: readEndpoint(entry), error: undefined };
  } catch (error) {
    if (!isHostError(error)) throw error;
    return { name: entry.name, isConfigured, endpoint: undefined, error };
  }
}
