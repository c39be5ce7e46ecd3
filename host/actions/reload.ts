import { defined } from '../common/defined.ts';
import { HostError, isHostError } from '../common/errors.ts';
import type { RequestedSettings } from '../models/loaded-entry.ts';
import type { LoadedModel } from '../models/model-engine.ts';
import type { LoadOptions, LoadPlan, LoadResult, ModelRegistry } from '../models/model-registry.ts';

/** How to load a model again that is loaded with other settings. */
export interface ReloadPlan extends LoadPlan {
  /**
   * Checks as much as can be checked before the loaded model is unloaded.
   *
   * @throws HostError what the load would throw.
   */
  readonly check?: (loaded: LoadedModel) => Promise<void>;
  /** Returns the plan that loads the model as before. */
  readonly before?: (settings: RequestedSettings) => LoadPlan;
}

/**
 * Unloads a model and loads it by a plan. If that fails, the model is loaded as before.
 *
 * @throws HostError what the load throws. Its details say with `isLoaded` whether the model is loaded as before; they do
 *   not if it was not unloaded, or if the load was cancelled.
 */
export async function reload(
  models: ModelRegistry,
  { id }: LoadedModel,
  plan: ReloadPlan,
  options: LoadOptions,
): Promise<LoadResult> {
  const { activeId } = models;
  const settings = models.settingsOf(id) ?? {};
  const keepAliveMs = models.keepAliveOf(id);
  await models.unload(id);
  try {
    return await models.load(plan, { keepAliveMs, ...defined(options) });
  } catch (error) {
    if (plan.before === undefined || !isHostError(error) || isHostError(error, 'CANCELLED', 'ABORTED')) throw error;
    const isLoaded = await restore(models, plan.before(settings), { signal: options.signal, keepAliveMs });
    if (isLoaded && activeId !== null && models.get(activeId) !== undefined) models.setActive(activeId);
    throw afterReload(error, isLoaded);
  }
}

async function restore(models: ModelRegistry, plan: LoadPlan, options: LoadOptions): Promise<boolean> {
  try {
    await models.load(plan, options);
    return true;
  } catch (error) {
    if (isHostError(error)) return false;
    throw error;
  }
}

function afterReload(error: HostError, isLoaded: boolean): HostError {
  const note = isLoaded
    ? 'The model is loaded with its previous settings.'
    : 'The model was unloaded for this, and could not be loaded again.';
  const details = { ...error.details, isLoaded };
  return new HostError(error.code, `${error.message} ${note}`, { details, cause: error });
}
