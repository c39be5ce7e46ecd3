import { HostError, isHostError } from '../common/errors.ts';
import { withTimeout } from '../common/with-timeout.ts';
import type { RemoteEngineEntry } from '../configuration/config-file.ts';
import type { ProxyRoutes } from '../hub/proxy.ts';
import type { Endpoint } from './endpoint.ts';
import { readEndpoint } from './endpoint.ts';
import type { FoundKey } from './keys.ts';
import { RemoteEngine } from './remote-engine.ts';

/** What the configured engines are read from and reached with. */
export interface ConfiguredEnginesOptions {
  /** The entries as they are now: the file is read anew each time, so that a change of it needs no new start. */
  readonly entries: () => Promise<readonly RemoteEngineEntry[]>;
  /** Engines that need not be configured; one that is configured under the same name goes before. */
  readonly found: () => Promise<readonly RemoteEngineEntry[]>;
  readonly keyOf: (endpoint: Endpoint) => Promise<FoundKey | undefined>;
  readonly proxies: ProxyRoutes;
  readonly limits: { readonly retryBaseMs: number; readonly connectTimeoutMs: number };
}

/** One engine of the configuration: how to reach it, or why it cannot be reached. */
export interface ConfiguredEngine {
  readonly name: string;
  /** Its base address; undefined where that cannot be used. */
  readonly endpoint: Endpoint | undefined;
  readonly fault: HostError | undefined;
}

/** The engines the user named, looked up by name. */
export class ConfiguredEngines {
  readonly #options: ConfiguredEnginesOptions;

  constructor(options: ConfiguredEnginesOptions) {
    this.#options = options;
  }

  /** All of them; of two with one name the first counts. */
  async list(): Promise<ConfiguredEngine[]> {
    const engines = new Map<string, ConfiguredEngine>();
    const { entries, found } = this.#options;
    const [own, others] = await Promise.all([entries(), found()]);
    for (const entry of [...own, ...others]) {
      if (!engines.has(entry.name)) engines.set(entry.name, configured(entry));
    }
    return [...engines.values()];
  }

  /** @throws HostError `REMOTE_NOT_CONFIGURED`. */
  async find(name: string): Promise<ConfiguredEngine> {
    // What is configured under the name is meant; whether something else runs need not be known.
    const entry = (await this.#options.entries()).find((candidate) => candidate.name === name);
    if (entry !== undefined) return configured(entry);
    const engines = await this.list();
    const found = engines.find((engine) => engine.name === name);
    if (found !== undefined) return found;
    throw new HostError(
      'REMOTE_NOT_CONFIGURED',
      `No engine "${name}" is configured. Engines elsewhere are listed under "remoteEngines" in config.json.`,
      { details: { engine: name, expected: engines.map((engine) => engine.name) } },
    );
  }

  /**
   * @param keyTimeoutMs Longest a keychain may take over the key: its user may be asked for a password. As long as that
   * is allowed there without it.
   * @throws HostError `REMOTE_NOT_CONFIGURED`, `CONFIG_UNUSABLE`, `KEYCHAIN_UNAVAILABLE`, `UNAUTHORIZED` for a key that
   * can be none.
   */
  async open(
    name: string,
    keyTimeoutMs?: number,
  ): Promise<{ engine: RemoteEngine; endpoint: Endpoint; key: FoundKey | undefined }> {
    const { endpoint, fault } = await this.find(name);
    if (endpoint === undefined) throw fault;
    const { keyOf, proxies, limits } = this.#options;
    const key = await (keyTimeoutMs === undefined
      ? keyOf(endpoint)
      : withTimeout(keyOf(endpoint), keyTimeoutMs, noKey));
    return { engine: new RemoteEngine({ endpoint, key: key?.key, proxies, ...limits }), endpoint, key };
  }
}

function noKey(): HostError {
  return new HostError('KEYCHAIN_UNAVAILABLE', "The system's keychain, which has the key, gave no answer in time.");
}

function configured(entry: RemoteEngineEntry): ConfiguredEngine {
  try {
    return { name: entry.name, endpoint: readEndpoint(entry), fault: undefined };
  } catch (error) {
    if (!isHostError(error)) throw error;
    return { name: entry.name, endpoint: undefined, fault: error };
  }
}
