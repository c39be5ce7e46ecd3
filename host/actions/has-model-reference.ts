import { type ModelNaming, readModelName } from '../protocol/model-name.ts';
import { isRemoteId, type RemoteId, readRemoteId } from '../protocol/remote-id.ts';

const NAMING = [
  'modelPath',
  'repoId',
  'modelId',
  'model_id',
  'model_name',
  'model',
  'modelFile',
  'fileName',
] as const satisfies readonly (keyof ModelNaming)[];

/** Says whether a request names a model by any of the fields that can. */
export function hasModelReference(request: object): boolean {
  return NAMING.some((field) => field in request);
}

/** The model elsewhere that a request names; undefined when it names one that would be on this disk. */
export function namedRemoteModel(request: ModelNaming): RemoteId | undefined {
  const field = NAMING.find((name) => request[name] !== undefined);
  const id = field === undefined ? undefined : request[field];
  return id !== undefined && isRemoteId(id) ? readRemoteId(id, field) : undefined;
}

/** The id of the model a request names, wherever that is. Throws `INVALID_REQUEST`. */
export function namedModelId(request: ModelNaming): string {
  return (namedRemoteModel(request) ?? readModelName(request)).id;
}
