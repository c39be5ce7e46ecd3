import { noModelLoaded } from '../common/host-errors.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import { type ModelNaming, readModelName } from '../protocol/model-name.ts';
import { isRemoteId, type RemoteId, readRemoteId } from '../protocol/remote-id.ts';

/** The fields that can name a model, in the order in which they count. */
const REFERENCE_FIELDS = [
  'modelPath',
  'repoId',
  'modelId',
  'model_id',
  'model_name',
  'model',
  'modelFile',
  'fileName',
] as const satisfies readonly (keyof ModelNaming)[];

/** Returns whether a request names a model. */
export function hasModelReference(request: object): boolean {
  return REFERENCE_FIELDS.some((field) => field in request);
}

/** Returns the remote model that a request names; undefined if it names none or a local one. */
export function namedRemoteModel(request: ModelNaming): RemoteId | undefined {
  const field = REFERENCE_FIELDS.find((name) => request[name] !== undefined);
  const id = field === undefined ? undefined : request[field];
  return id !== undefined && isRemoteId(id) ? readRemoteId(id, field) : undefined;
}

/** Returns the id of the local or remote model that a request names. Throws `INVALID_REQUEST`. */
export function namedModelId(request: ModelNaming): string {
  return (namedRemoteModel(request) ?? readModelName(request)).id;
}

/**
 * Returns the id of the model that a request names or, if it names none, of the active model.
 *
 * @throws HostError `MODEL_NOT_LOADED` if it names none and none is active; `INVALID_REQUEST`.
 */
export function modelIdFor(request: ModelNaming, { activeId }: Pick<ModelRegistry, 'activeId'>): string {
  if (hasModelReference(request)) return namedModelId(request);
  if (activeId !== null) return activeId;
  throw noModelLoaded();
}
