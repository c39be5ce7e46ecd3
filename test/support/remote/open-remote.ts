import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../host/common/clock.ts';
import { DEFAULT_LIMITS, readConfig } from '../../../host/config.ts';
import type { RemoteEngineEntry } from '../../../host/configuration/config-file.ts';
import type { GenerateRequest } from '../../../host/models/generation.ts';
import type { LoadedModel } from '../../../host/models/model-engine.ts';
import { ModelRegistry } from '../../../host/models/model-registry.ts';
import { readRemoteId } from '../../../host/protocol/remote-id.ts';
import { makeRemote, type Remote } from '../../../host/remote/remote.ts';
import { type SecretStorage, Secrets } from '../../../host/secrets/secrets.ts';
import { RecordedLog } from '../recorded-log.ts';

/** Remote engines with a model registry, a configuration file and secrets. */
export interface OpenRemote extends Remote {
  readonly models: ModelRegistry;
  readonly log: RecordedLog;
  readonly secrets: Secrets;
  configure(entries: readonly Partial<RemoteEngineEntry>[]): void;
  load(id: string): Promise<LoadedModel>;
  close(): Promise<void>;
}

/** Opens remote engines in a temporary folder. Retries wait only a millisecond. */
export function openRemote(env: NodeJS.ProcessEnv = {}, keychain?: SecretStorage): OpenRemote {
  const home = mkdtempSync(join(tmpdir(), 'tabagent-remote-'));
  const log = new RecordedLog();
  const config = readConfig({
    runnerEntry: new URL('file:///none'),
    env: { ...env, TABAGENT_HOME: home },
    limits: { ...DEFAULT_LIMITS, retryBaseMs: 1 },
  });
  const secrets = new Secrets({
    file: config.paths.secrets,
    lock: join(config.paths.locks, 'secrets.lock'),
    keychain,
    log: new RecordedLog(),
  });
  const remote = makeRemote({ config, secrets: async () => secrets, found: async () => [], log });
  const models = new ModelRegistry({ log, clock: systemClock });
  return {
    ...remote,
    models,
    log,
    secrets,
    configure: (remoteEngines) => {
      const file = join(home, 'config.json');
      writeFileSync(file, JSON.stringify({ remoteEngines }), { mode: 0o600 });
      chmodSync(file, 0o600);
    },
    load: async (id) => {
      const start = (signal: AbortSignal) => remote.engines.load(readRemoteId(id), { signal });
      return (await models.load({ id, refresh: true, start })).model;
    },
    close: async () => {
      await models.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Returns a request with one message and changes for a test. */
export function generateRequest(changes: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    input: { messages: [{ role: 'user', content: 'hello' }] },
    maxNewTokens: 32,
    stop: [],
    sampling: { temperature: 0.5, topP: 0.9, topK: 20, minP: 0.05, repetitionPenalty: 1.1, seed: 7 },
    ...changes,
  };
}
