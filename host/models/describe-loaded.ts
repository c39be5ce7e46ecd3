import { defined } from '../common/defined.ts';
import { ABILITIES } from '../gguf/abilities.ts';
import type { LoadedModel } from './model-engine.ts';

/** Returns what a model supports, if its file specifies it. */
export function capabilitiesOf({ abilities, chatFormat }: LoadedModel) {
  if (abilities === undefined) return {};
  const { reasoning = [] } = chatFormat ?? {};
  return {
    capabilities: ABILITIES.filter((ability) => abilities[ability] === null),
    ...(reasoning.length === 0 ? {} : { reasoning: [...reasoning] }),
  };
}

/** Returns the adapters and the draft model with which a model is loaded, if there are any. */
export function companionsOf({ lora, draftModel }: LoadedModel) {
  return defined({ lora: lora?.map(({ id, scale }) => ({ id, scale })), draftModel });
}

/** Returns the other host of the user that has a model loaded, if one has. */
export function hostOf({ host }: LoadedModel) {
  return defined({ host });
}

/** Returns where a loaded model runs, and since when. */
export function placementOf(model: LoadedModel) {
  return {
    modelId: model.id,
    model_id: model.id,
    loaded_to: model.loadedTo,
    gpu_layers: model.gpuLayers,
    cpu_layers: model.cpuLayers,
    vram_used: model.vramUsed,
    ram_used: model.ramUsed,
    loaded_at: model.loadedAt,
  };
}

/** Describes a loaded model as replies and the announcements of hosts to each other do. */
export function loadedEntry(model: LoadedModel) {
  return {
    ...placementOf(model),
    ...capabilitiesOf(model),
    ...hostOf(model),
    ...companionsOf(model),
    config: {
      vocab_size: model.vocabSize,
      context_size: model.contextSize,
      embedding_dim: model.embeddingDim,
      file_size: model.fileSize,
      model_type: model.modelType,
    },
  };
}
