import { join } from 'node:path';
import type { Logger } from '../common/log.ts';
import type { HostConfig } from '../config.ts';
import { Keychain } from './keychain.ts';
import { Secrets } from './secrets.ts';

/** Opens the secrets of a host. They use the system keychain if the configuration allows it. */
export function openSecrets({ paths, keychain, env, runnerEntry: entry }: HostConfig, log: Logger): Secrets {
  const options = { file: paths.secrets, lock: join(paths.locks, 'secrets.lock'), log };
  if (!keychain) return new Secrets(options);
  const refusal = async () => (await import('../common/safe-to-run.ts')).whyUnsafeToRun(entry);
  return new Secrets({ ...options, keychain: new Keychain({ entry, env, refusal }) });
}
