import { join } from 'node:path';
import type { Logger } from '../common/log.ts';
import type { HostConfig } from '../config.ts';
import { type RemoteEngineEntry, readConfigFile } from '../configuration/config-file.ts';
import { configFileIn } from '../configuration/config-text.ts';
import { ProxyRoutes } from '../hub/proxy.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { ConfigureEngines } from './configure-engines.ts';
import { findKey } from './keys.ts';
import { OfferedModels } from './offered-models.ts';
import { RemoteEngines } from './remote-engines.ts';

/** The remote engines, the models that they offer, and their configuration. */
export interface Remote {
  readonly engines: RemoteEngines;
  readonly offered: OfferedModels;
  readonly configuration: ConfigureEngines;
}

/** Creates the services for remote engines. Nothing is read or requested before it is needed. */
export function makeRemote(options: {
  config: Pick<HostConfig, 'env' | 'limits' | 'paths'>;
  secrets: () => Promise<Secrets>;
  /** Finds engines that run on this computer. */
  found: () => Promise<readonly RemoteEngineEntry[]>;
  log: Logger;
}): Remote {
  const { config, secrets, found, log } = options;
  const { env, limits, paths } = config;
  const engines = new RemoteEngines({
    entries: async () => (await readConfigFile(configFileIn(paths.home))).remoteEngines ?? [],
    found,
    keyOf: async (endpoint) => findKey(endpoint, env, await secrets()),
    proxies: new ProxyRoutes(env, limits.connectTimeoutMs),
    limits,
  });
  const configuration = new ConfigureEngines({
    path: configFileIn(paths.home),
    lock: join(paths.locks, 'configuration.lock'),
  });
  return { engines, offered: new OfferedModels(engines, log), configuration };
}
