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

/** Options of {@link RemoteEngines}. */
export interface RemoteEnginesOptions {
  /** Reads the configured entries. Not cached: changes of the file take effect without a restart. */
  readonly entries: () => Promise<readonly RemoteEngineEntry[]>;
  /** Finds engines that need no configuration. A configured engine with the same name takes precedence. */
  readonly found: () => Promise<readonly RemoteEngineEntry[]>;
  readonly keyOf: (endpoint: Endpoint) => Promise<FoundKey | undefined>;
  readonly proxies: ProxyRoutes;
  readonly limits: { readonly retryBaseMs: number; readonly connectTimeoutMs: number };
}

/** A configured engine: its endpoint, or the error of its entry. */
export interface ConfiguredEngine {
  readonly name: string;
  /** False for an engine that was found on this computer. */
  readonly isConfigured: boolean;
  readonly endpoint: Endpoint | undefined;
  readonly error: HostError | undefined;
}

/** The remote engines that are configured or were found on this computer. */
export class RemoteEngines implements ModelEngine<RemoteId> {
  readonly #options: RemoteEnginesOptions;

  constructor(options: RemoteEnginesOptions) {
    this.#options = options;
  }

  /** Lists all engines. Of two with the same name, the first is used. */
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
    // A configured engine takes precedence, so running engines need not be searched.
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
   * Checks that an engine responds and has a model.
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
   * Returns an engine at its current address.
   *
   * @param keyTimeoutMs Time limit for reading the API key from the keychain, which may ask the user for a password, in
   *   milliseconds. Default: the keychain's own limit.
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
