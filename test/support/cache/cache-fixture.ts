import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelCache } from '../../../host/cache/model-cache.ts';
import { createLogger, type Logger } from '../../../host/common/log.ts';
import { DEFAULT_LIMITS, type HostConfig, type HostLimits, readConfig } from '../../../host/config.ts';
import { Hub } from '../../../host/hub/hub.ts';
import { type ModelName, readModelName } from '../../../host/protocol/model-name.ts';
import { openStore } from '../../../host/store/store.ts';
import { type HubOptions, startHub, type TestHub } from '../hub/hub.ts';

/** Small chunks and short pauses, for fast tests. Tests of stalls set their own timeout. */
export const QUICK_LIMITS: HostLimits = {
  ...DEFAULT_LIMITS,
  chunkBytes: 16 * 1024,
  retryBaseMs: 1,
  connectionsAtFirst: 4,
  connections: 4,
};

export const REPO = 'maker/model-GGUF';
export const FILE = 'model.gguf';
export const NAME: ModelName = readModelName({ modelPath: REPO, modelFile: FILE });

/** Returns pseudorandom bytes. The same seed results in the same bytes. */
export function seededBytes(length: number, seed: number): Buffer {
  const block = 1024 * 1024;
  const parts: Buffer[] = [];
  for (let at = 0; at < length; at += block) {
    const hash = createHash('shake256', { outputLength: Math.min(block, length - at) });
    parts.push(hash.update(`${seed}/${at}`).digest());
  }
  return Buffer.concat(parts);
}

/** Returns a configuration with {@link QUICK_LIMITS}. */
export function quickConfig(env: NodeJS.ProcessEnv, limits: Partial<HostLimits> = {}): HostConfig {
  return readConfig({ runnerEntry: new URL('file:///'), env, limits: { ...QUICK_LIMITS, ...limits } });
}

/** A cache in a temporary folder, with a hub. It is opened and closed as a host does. */
export class CacheFixture {
  readonly home: string;
  readonly hub: TestHub;
  readonly config: HostConfig;
  cache: ModelCache;
  readonly #cacheLimit: number | undefined;
  #close: () => Promise<void>;

  private constructor(parts: {
    home: string;
    hub: TestHub;
    config: HostConfig;
    cache: ModelCache;
    cacheLimit: number | undefined;
    close: () => Promise<void>;
  }) {
    this.home = parts.home;
    this.hub = parts.hub;
    this.config = parts.config;
    this.cache = parts.cache;
    this.#cacheLimit = parts.cacheLimit;
    this.#close = parts.close;
  }

  static async open(
    content: Buffer,
    options: {
      hub?: Partial<HubOptions>;
      limits?: Partial<HostLimits>;
      env?: NodeJS.ProcessEnv;
      cacheLimit?: number;
    } = {},
  ): Promise<CacheFixture> {
    const home = await mkdtemp(join(tmpdir(), 'tabagent-cache-'));
    const hub = await startHub({ repos: { [REPO]: { files: { [FILE]: content } } }, ...options.hub });
    const env = { TABAGENT_HOME: home, HF_ENDPOINT: hub.url, HOME: home, ...options.env };
    const config = quickConfig(env, options.limits);
    const { cacheLimit } = options;
    return new CacheFixture({ home, hub, config, cacheLimit, ...(await openCache(config, cacheLimit)) });
  }

  /** Closes the cache and opens it again, as a restarted host would. */
  async reopen(): Promise<void> {
    await this.#close();
    ({ cache: this.cache, close: this.#close } = await openCache(this.config, this.#cacheLimit));
  }

  /** Closes the cache, for example to change its files. {@link reopen} opens it again. */
  async closeCache(): Promise<void> {
    await this.#close();
    this.#close = async () => {};
  }

  /** Returns the number of requested bytes, without those of the first `from` requests. */
  requestedBytes(from = 0): number {
    return this.hub.requests
      .slice(from)
      .filter(({ server, method }) => server === 'cdn' && method === 'GET')
      .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''))
      .reduce((sum, match) => sum + (match === null ? 0 : Number(match[2]) - Number(match[1]) + 1), 0);
  }

  async close(): Promise<void> {
    await this.#close();
    await this.hub.close();
    await rm(this.home, { recursive: true, force: true });
  }
}

/** Opens the cache of a configuration, as a host does. A second call simulates another host. */
export async function openCache(
  config: HostConfig,
  cacheLimit = Number.POSITIVE_INFINITY,
  log: Logger = createLogger({ file: config.paths.logFile, debug: false }),
): Promise<{ cache: ModelCache; close: () => Promise<void> }> {
  const store = await openStore(config.paths.database, log);
  const { hubEndpoint: endpoint, env, limits } = config;
  const hub = new Hub({ endpoint, env, limits, log });
  const cache = await ModelCache.open({ config, hub: async () => hub, store, limit: async () => cacheLimit, log });
  return {
    cache,
    close: async () => {
      await cache.close();
      await store.close();
    },
  };
}
