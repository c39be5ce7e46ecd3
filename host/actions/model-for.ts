import { noModelLoaded } from '../common/host-errors.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import { hasModelReference, namedModelId } from './has-model-reference.ts';

/**
 * The id of the model a request names, else of the active one.
 *
 * @throws HostError `MODEL_NOT_LOADED` where the request names none and none is active.
 */
export function modelIdFor(request: object, models: ModelRegistry): string {
  if (hasModelReference(request)) return namedModelId(request);
  if (models.activeId !== null) return models.activeId;
  throw noModelLoaded();
}
