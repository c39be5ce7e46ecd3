import { defined } from '../common/defined.ts';
import { errorInfo, isHostError } from '../common/errors.ts';
import * as declared from '../protocol/actions/remote.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { keyName } from '../remote/keys.ts';
import type { Remote } from '../remote/remote.ts';
import type { ConfiguredEngine } from '../remote/remote-engines.ts';
import { type Call, handle } from './action.ts';

type Entry = PayloadOf<'LIST_REMOTE_ENGINES'>['engines'][number];

/** Longest wait for an engine before it is listed as not reachable, milliseconds. */
const REACHABLE_TIMEOUT_MS = 3_000;

/** Describes an engine, and asks it for its models to see whether it is reachable. */
async function entryOf(configured: ConfiguredEngine, { engines }: Remote, signal: AbortSignal): Promise<Entry> {
  const { name, endpoint, isConfigured } = configured;
  const entry = {
    name,
    configured: isConfigured,
    url: endpoint?.base ?? null,
    reachable: false,
    answers: false,
    models: 0,
  };
  let key_source: string | null = null;
  try {
    const { engine, key } = await engines.connect(name, REACHABLE_TIMEOUT_MS);
    key_source = key?.source ?? null;
    const models = await engine.models({ signal, once: true, timeoutMs: REACHABLE_TIMEOUT_MS });
    return { ...entry, key_source, reachable: true, answers: true, models: models.length };
  } catch (error) {
    if (!isHostError(error)) throw error;
    return { ...entry, key_source, error: errorInfo(error) };
  }
}

/** Throws `REMOTE_NOT_CONFIGURED` for an unknown engine: its key could otherwise be sent to another engine of that name. */
async function engineNamed(name: string, { services }: Call): Promise<Remote> {
  const remote = await services.remote();
  await remote.engines.find(name);
  return remote;
}

export const listRemoteEngines = handle(declared.listRemoteEngines, async (_request, { services, signal }) => {
  const remote = await services.remote();
  const engines = await remote.engines.list();
  return { payload: { engines: await Promise.all(engines.map((engine) => entryOf(engine, remote, signal))) } };
});

export const setRemoteKey = handle(declared.setRemoteKey, async ({ engine, key }, call) => {
  const { offered } = await engineNamed(engine, call);
  await (await call.services.secrets()).set(keyName(engine), key);
  offered.clearCache();
  return { payload: { engine, saved: true, kept: true }, message: `API key for remote engine "${engine}" saved` };
});

export const clearRemoteKey = handle(declared.clearRemoteKey, async ({ engine }, { services }) => {
  const cleared = await (await services.secrets()).clear(keyName(engine));
  (await services.remote()).offered.clearCache();
  return {
    payload: { engine, saved: false, kept: false },
    message: cleared ? 'API key removed' : 'There was no saved API key',
  };
});

export const addRemoteEngine = handle(declared.addRemoteEngine, async (request, { services }) => {
  const { engine, url, models, plain_http, confirmation } = request;
  const { configuration, offered } = await services.remote();
  const entry = { name: engine, url, ...defined({ models, plainHttp: plain_http }) };
  if (confirmation === undefined) {
    const { endpoint, code } = await configuration.prepareAdd(entry);
    const { host, protocol } = new URL(endpoint.base);
    const asked = { code, host, encrypted: protocol === 'https:', private_network: endpoint.isPrivate };
    return { payload: { engine, url: endpoint.base, added: false, confirmation: asked } };
  }
  const { base } = await configuration.add(entry, confirmation);
  offered.clearCache();
  return { payload: { engine, url: base, added: true }, message: `Remote engine "${engine}" added` };
});

export const removeRemoteEngine = handle(declared.removeRemoteEngine, async ({ engine }, { services }) => {
  const { configuration, offered } = await services.remote();
  const removed = await configuration.remove(engine);
  // Otherwise the key would be sent to another engine that gets this name.
  if (removed) await (await services.secrets()).clear(keyName(engine));
  offered.clearCache();
  return { payload: { engine, removed } };
});
