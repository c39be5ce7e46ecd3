import { assertRunnable } from '../catalog/model-type.ts';
import { defined } from '../common/defined.ts';
import { throttle } from '../common/progress.ts';
import { errorReply } from '../messaging/error-reply.ts';
import type { LoadingProgressPayload } from '../protocol/messages.ts';
import type { Actions } from './action.ts';
import { percent } from './download-events.ts';
import { obtainModel } from './find-model.ts';
import { namedRemoteModel } from './has-model-reference.ts';
import { loadRemote } from './load-remote.ts';
import { loadedPayload } from './model-entry.ts';
import { planLoad } from './plan-load.ts';
import { resolveName } from './resolve-name.ts';

export const actions: Actions<'LOAD_MODEL'> = {
  async LOAD_MODEL(request, call) {
    const elsewhere = namedRemoteModel(request);
    if (elsewhere !== undefined) return loadRemote(elsewhere, request.loadId, call);
    const name = await resolveName(request, call);
    assertRunnable(name.file);
    const tell = (event: Omit<LoadingProgressPayload, 'file' | 'loadId'>) =>
      call.emit('modelWorkerLoadingProgress', {
        ...event,
        file: name.id,
        ...defined({ loadId: request.loadId }),
      });
    const throttled = throttle(tell);

    const engine = await call.services.engine();
    const present = engine.get(name.id);
    const { keepAlive } = request;
    const keepAliveMs = keepAlive === undefined || keepAlive === -1 ? undefined : keepAlive * 1000;
    if (present !== undefined) {
      if (keepAlive !== undefined) engine.keepAlive(name.id, keepAliveMs);
      tell({ status: 'cached', progress: 100, message: 'Model already loaded' });
      return { message: 'Model already loaded', payload: loadedPayload(present) };
    }

    tell({ status: 'initiate', progress: 0 });
    const cache = await call.services.cache();
    const use = await cache.use(name, call.signal);
    try {
      engine.warm();
      const { model, alreadyThere, external } = await obtainModel(name, call, {
        believeNames: true,
        onProgress: ({ downloaded, total, status }, message) =>
          throttled({
            status: 'progress',
            progress: percent(downloaded, total, status === 'completed'),
            loaded: downloaded,
            total,
            message,
          }),
      });
      throttled.flush();
      if (alreadyThere) tell({ status: 'cached', progress: 0, total: model.size, message: 'Already on the disk' });

      const { inspectModel } = await import('../gguf/inspect.ts');
      const inspected = await inspectModel(model.files, { signal: call.signal });
      const settings = await planLoad({ id: name.id, request, shape: inspected.shape }, call.services);
      const { model: loaded, alreadyLoaded } = await engine.load(
        { id: name.id, model: inspected, settings, keepAliveMs },
        {
          signal: call.signal,
          onProgress: ({ fraction }) =>
            throttled({ status: 'progress', progress: Math.floor(fraction * 1000) / 10, message: 'Loading' }),
        },
      );
      if (external === undefined) await cache.keeping.used(name);
      if (engine.isBusy(name.id)) use.keep();
      else use.release();
      throttled.flush();
      tell({ status: 'done', progress: 100 });
      // The next load finds a runner ready, as this one did.
      engine.warm();
      const said = alreadyLoaded ? 'Model already loaded' : 'Model loaded successfully';
      return {
        message: loaded.notice === undefined ? said : `${said}. ${loaded.notice}`,
        payload: loadedPayload(loaded),
      };
    } catch (error) {
      throttled.flush();
      tell({ status: 'error', progress: 0, message: errorReply(error).message });
      use.release();
      throw error;
    }
  },
};
