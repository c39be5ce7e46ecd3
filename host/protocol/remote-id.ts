import { invalidField } from '../common/host-errors.ts';
import { ENGINE_NAME, REMOTE_OWNER } from './engine-name.ts';

/** The id of a model of a remote engine, `remote/<engine>/<model>`, made of validated parts. */
export interface RemoteId {
  /** The name of the engine in the configuration. */
  readonly engine: string;
  /** The engine's name of the model, often with slashes and colons. It is sent in request bodies, never in a URL. */
  readonly model: string;
  /** The whole id. */
  readonly id: string;
}

const PREFIX = `${REMOTE_OWNER}/`;

/** Allowed model names: visible characters, and longer than any real name. */
const MODEL_NAME = /^[^\s\p{C}]{1,512}$/u;

/** Returns whether an id has this form; the model need not exist. */
export function isRemoteId(id: string): boolean {
  return id.startsWith(PREFIX);
}

/** Builds the id of an engine's model; undefined for names that an id cannot contain. */
export function remoteIdOf(engine: string, model: string): RemoteId | undefined {
  if (!ENGINE_NAME.test(engine) || !MODEL_NAME.test(model)) return undefined;
  return { engine, model, id: `${PREFIX}${engine}/${model}` };
}

/** Parses an id for which {@link isRemoteId} is true. Throws `INVALID_REQUEST` with `field`. */
export function readRemoteId(id: string, field = 'modelId'): RemoteId {
  const [engine = '', ...model] = id.slice(PREFIX.length).split('/');
  const read = remoteIdOf(engine, model.join('/'));
  if (read !== undefined) return read;
  throw invalidField(field, 'the ID of a remote model, "remote/engine/model"', id.slice(0, 200));
}
