import { errorInfo, isHostError } from '../common/errors.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { keyName } from '../remote/keys.ts';
import type { Remote } from '../remote/remote.ts';
import type { ConfiguredEngine } from '../remote/remote-engines.ts';
import type { Actions, Call } from './action.ts';

type Entry = PayloadOf<'LIST_REMOTE_ENGINES'>['engines'][number];

/** Longest an engine may take to answer before it is listed as one that does not, milliseconds. */
const ANSWER_MS = 3_000;

/** One engine, with whether it answers now. */
async function entryOf(configured: ConfiguredEngine, { engines }: Remote, signal: AbortSignal): Promise<Entry> {
  const { name, endpoint } = configured;
  const entry = { name, url: endpoint?.base ?? null, key_source: null, answers: false, models: 0 };
  let keySource: string | null = null;
  try {
    const { engine, key } = await engines.connect(name, ANSWER_MS);
    keySource = key?.source ?? null;
    const models = await engine.models({ signal, once: true, timeoutMs: ANSWER_MS });
    return { ...entry, key_source: keySource, answers: true, models: models.length };
  } catch (error) {
    if (!isHostError(error)) throw error;
    return { ...entry, key_source: keySource, error: errorInfo(error) };
  }
}

/** The engine a key is for. Throws `REMOTE_NOT_CONFIGURED`: a key for nothing would lie there for whatever comes. */
async function engineNamed(name: string, { services }: Call): Promise<Remote> {
  const remote = await services.remote();
  await remote.engines.find(name);
  return remote;
}

export const actions: Actions<'LIST_REMOTE_ENGINES' | 'SET_REMOTE_KEY' | 'CLEAR_REMOTE_KEY'> = {
  async LIST_REMOTE_ENGINES(_request, { services, signal }) {
    const remote = await services.remote();
    const engines = await remote.engines.list();
    return { payload: { engines: await Promise.all(engines.map((engine) => entryOf(engine, remote, signal))) } };
  },

  async SET_REMOTE_KEY({ engine, key }, call) {
    const { offered } = await engineNamed(engine, call);
    await (await call.services.secrets()).set(keyName(engine), key);
    offered.forget();
    return { payload: { engine, kept: true }, message: `Key for the engine "${engine}" kept` };
  },

  async CLEAR_REMOTE_KEY({ engine }, { services }) {
    const cleared = await (await services.secrets()).clear(keyName(engine));
    (await services.remote()).offered.forget();
    return { payload: { engine, kept: false }, message: cleared ? 'Key removed' : 'There was no key' };
  },
};
