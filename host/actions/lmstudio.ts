import * as declared from '../protocol/actions/lmstudio.ts';
import { type Call, handle } from './action.ts';

async function statusPayload({ services, signal }: Call) {
  const status = await (await services.lmStudio()).status(signal);
  return {
    installed: status.installed,
    bootstrapped: status.bootstrapped,
    server_running: status.serverRunning,
    api_endpoint: status.apiEndpoint ?? null,
    current_model: status.currentModel ?? null,
    lms_path: status.lmsPath ?? null,
  };
}

export const checkLmStudio = handle(declared.checkLmStudio, async (_request, call) => {
  return { payload: await statusPayload(call) };
});

export const lmStudioStatus = handle(declared.lmStudioStatus, async (_request, call) => {
  return { payload: await statusPayload(call) };
});

export const startLmStudio = handle(declared.startLmStudio, async (_request, { services, signal }) => {
  const api_endpoint = await (await services.lmStudio()).start(signal);
  (await services.remote()).offered.clearCache();
  return { payload: { server_running: true, api_endpoint }, message: 'LM Studio server is running' };
});

export const stopLmStudio = handle(declared.stopLmStudio, async (_request, { services, signal }) => {
  await (await services.lmStudio()).stop(signal);
  (await services.remote()).offered.clearCache();
  return { payload: { server_running: false }, message: 'LM Studio server stopped' };
});
