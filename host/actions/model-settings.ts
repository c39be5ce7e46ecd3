import { invalidField } from '../common/host-errors.ts';
import * as declared from '../protocol/actions/model-settings.ts';
import { isRemoteId } from '../protocol/remote-id.ts';
import { handle } from './action.ts';
import { withIds } from './companions.ts';
import { modelIdFor } from './model-reference.ts';

export const getModelSettings = handle(declared.getModelSettings, async (request, { services }) => {
  const modelId = modelIdFor(request, await services.models());
  return { payload: { modelId, settings: await (await services.modelSettings()).get(modelId) } };
});

export const setModelSettings = handle(declared.setModelSettings, async (request, call) => {
  const { services } = call;
  const modelId = modelIdFor(request, await services.models());
  const { load } = request.settings;
  if (isRemoteId(modelId) && load !== undefined && load !== null) {
    throw invalidField('settings.load', 'omitted for a remote model', load);
  }
  const changes = load ? { ...request.settings, load: { ...load, ...(await withIds(load, call)) } } : request.settings;
  const settings = await (await services.modelSettings()).change(modelId, changes);
  return { payload: { modelId, settings }, message: 'Settings of the model saved' };
});
