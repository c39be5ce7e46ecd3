import type { ByteSource, ModelShape } from '../gguf/model.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { invalidField } from '../protocol/parse-request.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { Actions, Call } from './action.ts';
import { heldFiles } from './find-model.ts';
import { resolveName } from './resolve-name.ts';

/** Layers of a model of which only the size is known: the original's default, true of most 7B and 8B models. */
const DEFAULT_LAYERS = 32;

/** Reads what a model needs from its header: from the disk where it is there, else the first bytes from the hub. */
async function shapeOf(name: ModelName, { parts, signal }: Call): Promise<ModelShape> {
  const { readGgufHeader, modelShape, inspectModel } = await import('../gguf/inspect.ts');
  const files = (await (await parts.cache()).find(name))?.files ?? (await heldFiles(name, parts, signal));
  if (files !== undefined) return (await inspectModel(files, { signal })).shape;

  const hub = await parts.hub();
  const headerOf = async (file: string) => {
    const source: ByteSource = await hub.byteSource(name, file, { signal });
    try {
      return await readGgufHeader(source, { signal, file });
    } finally {
      await source.close();
    }
  };
  // One after the other: a name can claim a thousand parts.
  const headers: Awaited<ReturnType<typeof headerOf>>[] = [];
  for (const file of shardFiles(name.file)) headers.push(await headerOf(file));
  return modelShape(headers);
}

export const actions: Actions<'RECOMMEND_SPLIT'> = {
  async RECOMMEND_SPLIT(request, call) {
    const [hardware, { recommendSplit, chooseContextSize }] = await Promise.all([
      call.parts.hardware(),
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
        reason: split.reason,
      },
    };
  },
};
