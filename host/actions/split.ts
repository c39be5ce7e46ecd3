import { invalidField } from '../common/host-errors.ts';
import type { Actions } from './action.ts';
import { resolveName } from './resolve-name.ts';
import { shapeOf } from './shape-of.ts';

/** Layers of a model of which only the size is known: the original's default, true of most 7B and 8B models. */
const DEFAULT_LAYERS = 32;

export const actions: Actions<'RECOMMEND_SPLIT'> = {
  async RECOMMEND_SPLIT(request, call) {
    const [hardware, { recommendSplit, chooseContextSize }] = await Promise.all([
      call.services.hardware(),
      import('../hardware/split.ts'),
    ]);
    const {
      modelSize,
      totalLayers = DEFAULT_LAYERS,
      n_ctx,
      modelPath,
      modelId,
      model_id,
      model_name,
      model,
      repoId,
    } = request;
    const named = modelPath ?? modelId ?? model_id ?? model_name ?? model ?? repoId;
    if (modelSize === undefined && named === undefined) {
      throw invalidField('modelSize', "the model's size in bytes, or name the model with `modelPath`", undefined);
    }
    const snapshot = await hardware.snapshot();
    const shape = modelSize === undefined ? await shapeOf(await resolveName(request, call), call) : undefined;
    const split =
      shape === undefined
        ? recommendSplit({ modelSize: modelSize ?? 0, totalLayers, snapshot })
        : recommendSplit({ shape, contextSize: chooseContextSize(shape, n_ctx), snapshot });
    return {
      payload: {
        gpu_layers: split.gpuLayers,
        cpu_layers: split.cpuLayers,
        estimated_vram: split.estimatedVram,
        estimated_ram: split.estimatedRam,
        performance_tier: split.tier,
        fits: split.fits,
        reason: split.reason,
      },
    };
  },
};
