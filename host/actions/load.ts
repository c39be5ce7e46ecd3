import { assertRunnable } from '../catalog/model-type.ts';
import type { LoadSettings } from '../engine/types.ts';
import type { ModelShape } from '../gguf/model.ts';
import { throttle } from '../progress.ts';
import type { LoadingProgressPayload, RequestOf } from '../protocol/messages.ts';
import { errorReply } from '../reply.ts';
import type { Actions, Call } from './action.ts';
import { percent } from './download-events.ts';
import { obtainModel } from './find-model.ts';
import { loadRemote } from './load-remote.ts';
import { loadedPayload } from './model-entry.ts';
import { namedRemoteModel } from './names-a-model.ts';
import { resolveName } from './resolve-name.ts';

/** Everything on the GPU: the blocks and the output layer. The original asked for it with -1. */
function allLayers(shape: ModelShape): number {
  return shape.layerBytes.length + 1;
}

/** Chooses what the request left open. What it did say is taken as it is. */
async function settingsFor(
  request: RequestOf<'LOAD_MODEL'>,
  shape: ModelShape,
  { parts }: Call,
): Promise<LoadSettings> {
  const [hardware, { recommendSplit, chooseContextSize, chooseThreads }] = await Promise.all([
    parts.hardware(),
    import('../hardware/split.ts'),
  ]);
  const snapshot = await hardware.snapshot();
  const asked = { n_gpu_layers: request.n_gpu_layers, n_ctx: request.n_ctx, ...request.settings };
  const contextSize = chooseContextSize(shape, asked.n_ctx);
  const layersFor = (n: number | undefined) => {
    if (n === undefined) return recommendSplit({ shape, contextSize, snapshot }).gpuLayers;
    return n === -1 ? Number.POSITIVE_INFINITY : n;
  };
  const wanted = layersFor(asked.n_gpu_layers);
  return {
    // All blocks on the GPU leaves nothing for the CPU to do but the output, which is faster there too.
    gpuLayers: wanted >= shape.layerBytes.length ? allLayers(shape) : wanted,
    contextSize,
    threads: asked.n_threads ?? chooseThreads(snapshot.cpu),
    ...(asked.n_batch === undefined ? {} : { batchSize: asked.n_batch }),
    ...(asked.use_mmap === undefined ? {} : { useMmap: asked.use_mmap }),
    ...(asked.use_mlock === undefined ? {} : { useMlock: asked.use_mlock }),
  };
}

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
        ...(request.loadId === undefined ? {} : { loadId: request.loadId }),
      });
    const throttled = throttle(tell);

    const engine = await call.parts.engine();
    const present = engine.get(name.id);
    if (present !== undefined) {
      tell({ status: 'cached', progress: 100, message: 'Model already loaded' });
      return { message: 'Model already loaded', payload: loadedPayload(present) };
    }

    tell({ status: 'initiate', progress: 0 });
    const cache = await call.parts.cache();
    const use = await cache.use(name, call.signal);
    try {
      engine.warm();
      const { model, alreadyThere, held } = await obtainModel(name, call, {
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
      const settings = await settingsFor(request, inspected.shape, call);
      const { model: loaded, alreadyLoaded } = await engine.load(
        { id: name.id, model: inspected, settings },
        {
          signal: call.signal,
          onProgress: ({ fraction }) =>
            throttled({ status: 'progress', progress: Math.floor(fraction * 1000) / 10, message: 'Loading' }),
        },
      );
      if (held === undefined) await cache.keeping.used(name);
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
