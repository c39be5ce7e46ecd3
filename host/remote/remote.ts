import type { Logger } from '../common/log.ts';
import type { HostConfig } from '../config.ts';
import { configFileIn, type RemoteEngineEntry, readConfigFile } from '../configuration/config-file.ts';
import { ProxyRoutes } from '../hub/proxy.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { ConfiguredEngines } from './configured-engines.ts';
import { findKey } from './keys.ts';
import { OfferedModels } from './offered-models.ts';
import { RemoteModels } from './remote-models.ts';

/** The engines elsewhere, the models they offer, and those of them that were loaded. */
export interface Remote {
  readonly engines: ConfiguredEngines;
  readonly offered: OfferedModels;
  readonly models: RemoteModels;
}

/** Makes the room; nothing is read or asked before it is needed. */
export function makeRemote(options: {
  config: Pick<HostConfig, 'env' | 'limits' | 'paths'>;
  secrets: () => Promise<Secrets>;
  /** Engines that were found running on this machine. */
  found: () => Promise<readonly RemoteEngineEntry[]>;
  log: Logger;
}): Remote {
  const { config, secrets, found, log } = options;
  const { env, limits, paths } = config;
  const engines = new ConfiguredEngines({
    entries: async () => (await readConfigFile(configFileIn(paths.home))).remoteEngines ?? [],
    found,
    keyOf: async (endpoint) => findKey(endpoint, env, await secrets()),
    proxies: new ProxyRoutes(env),
    limits,
  });
  return { engines, offered: new OfferedModels(engines, log), models: new RemoteModels(engines, log) };
}
