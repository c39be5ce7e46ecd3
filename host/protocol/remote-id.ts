import { invalidField } from '../common/host-errors.ts';
import { ENGINE_NAME, REMOTE_OWNER } from './engine-name.ts';

/** A model of an engine elsewhere, made of checked parts: `remote/<engine>/<model>`. */
export interface RemoteId {
  /** The engine, as the configuration calls it. */
  readonly engine: string;
  /** The model, as that engine calls it: often with slashes and colons. It goes into requests, never into an address. */
  readonly model: string;
  /** The whole id. */
  readonly id: string;
}

const PREFIX = `${REMOTE_OWNER}/`;

/** What a model may be called: visible, and no longer than any that is. */
const MODEL_NAME = /^[^\s\p{C}]{1,512}$/u;

/** Says whether an id is of this form; whether there is such a model is another question. */
export function isRemoteId(id: string): boolean {
  return id.startsWith(PREFIX);
}

/** The id of an engine's model. Undefined for names that an id cannot hold. */
export function remoteIdOf(engine: string, model: string): RemoteId | undefined {
  if (!ENGINE_NAME.test(engine) || !MODEL_NAME.test(model)) return undefined;
  return { engine, model, id: `${PREFIX}${engine}/${model}` };
}

/** Reads an id for which {@link isRemoteId} holds. Throws `INVALID_REQUEST` naming `field`. */
export function readRemoteId(id: string, field = 'modelId'): RemoteId {
  const [engine = '', ...model] = id.slice(PREFIX.length).split('/');
  const read = remoteIdOf(engine, model.join('/'));
  if (read !== undefined) return read;
  throw invalidField(field, 'the ID of a remote model, "remote/engine/model"', id.slice(0, 200));
}
