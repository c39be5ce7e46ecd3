import { noModelLoaded } from '../common/host-errors.ts';
import type { ServedModels } from '../models/served-models.ts';
import { hasModelReference, namedModelId } from './has-model-reference.ts';

/**
 * The id of the model a request names, else of the active one.
 *
 * @throws HostError `MODEL_NOT_LOADED` where the request names none and none is active.
 */
export function modelIdFor(request: object, served: ServedModels): string {
  if (hasModelReference(request)) return namedModelId(request);
  if (served.activeId !== null) return served.activeId;
  throw noModelLoaded();
}
