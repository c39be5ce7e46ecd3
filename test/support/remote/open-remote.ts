import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_LIMITS, readConfig } from '../../../host/config.ts';
import type { RemoteEngineEntry } from '../../../host/configuration/config-file.ts';
import type { GenerateRequest } from '../../../host/models/generation.ts';
import { makeRemote, type Remote } from '../../../host/remote/remote.ts';
import { type SecretKeeper, Secrets } from '../../../host/secrets/secrets.ts';
import { KeptLog } from '../logs.ts';

/** The room of engines elsewhere, over a configuration file and secrets of its own. */
export interface OpenRemote extends Remote {
  readonly log: KeptLog;
  readonly secrets: Secrets;
  configure(entries: readonly Partial<RemoteEngineEntry>[]): void;
  close(): void;
}

/** Opens one whose pauses between tries are a millisecond long. */
export function openRemote(env: NodeJS.ProcessEnv = {}, keychain?: SecretKeeper): OpenRemote {
  const home = mkdtempSync(join(tmpdir(), 'tabagent-remote-'));
  const log = new KeptLog();
  const config = readConfig({
    runnerEntry: new URL('file:///none'),
    env: { ...env, TABAGENT_HOME: home },
    limits: { ...DEFAULT_LIMITS, retryBaseMs: 1 },
  });
  const secrets = new Secrets({
    file: config.paths.secrets,
    lock: join(config.paths.locks, 'secrets.lock'),
    keychain,
    log: new KeptLog(),
  });
  const remote = makeRemote({ config, secrets: async () => secrets, found: async () => [], log });
  return {
    ...remote,
    log,
    secrets,
    configure: (remoteEngines) => {
      const file = join(home, 'config.json');
      writeFileSync(file, JSON.stringify({ remoteEngines }), { mode: 0o600 });
      chmodSync(file, 0o600);
    },
    close: () => {
      remote.models.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A conversation of one message, with settings that a test changes. */
export function orderOf(changes: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    input: { messages: [{ role: 'user', content: 'hello' }] },
    maxNewTokens: 32,
    stop: [],
    sampling: { temperature: 0.5, topP: 0.9, topK: 20, minP: 0.05, repetitionPenalty: 1.1, seed: 7 },
    ...changes,
  };
}
