import type { Actions, Call } from './action.ts';

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

export const actions: Actions<'CHECK_LMSTUDIO' | 'LMSTUDIO_STATUS' | 'START_LMSTUDIO' | 'STOP_LMSTUDIO'> = {
  async CHECK_LMSTUDIO(_request, call) {
    return { payload: await statusPayload(call) };
  },

  async LMSTUDIO_STATUS(_request, call) {
    return { payload: await statusPayload(call) };
  },

  async START_LMSTUDIO(_request, { services, signal }) {
    const api_endpoint = await (await services.lmStudio()).start(signal);
    (await services.remote()).offered.forget();
    return { payload: { server_running: true, api_endpoint }, message: 'LM Studio server is running' };
  },

  async STOP_LMSTUDIO(_request, { services, signal }) {
    await (await services.lmStudio()).stop(signal);
    (await services.remote()).offered.forget();
    return { payload: { server_running: false }, message: 'LM Studio server stopped' };
  },
};
