import { ABILITIES } from '../gguf/abilities.ts';
import type { LoadedModel } from '../models/model-engine.ts';

/** What a model can be asked for, where its own file says so. */
function capabilities({ abilities }: LoadedModel) {
  return abilities === undefined ? {} : { capabilities: ABILITIES.filter((ability) => abilities[ability] === null) };
}

/** A model in memory, as the original's clients read it. */
export function loadedEntry(model: LoadedModel) {
  return {
    model_id: model.id,
    loaded_to: model.loadedTo,
    gpu_layers: model.gpuLayers,
    cpu_layers: model.cpuLayers,
    vram_used: model.vramUsed,
    ram_used: model.ramUsed,
    loaded_at: model.loadedAt,
    ...capabilities(model),
    config: {
      vocab_size: model.vocabSize,
      context_size: model.contextSize,
      embedding_dim: model.embeddingDim,
      file_size: model.fileSize,
      model_type: model.modelType,
    },
  };
}

/** What LOAD_MODEL answers. */
export function loadedPayload(model: LoadedModel) {
  return {
    isReady: true as const,
    backend: model.backend,
    modelPath: model.id,
    vocabSize: model.vocabSize,
    contextSize: model.contextSize,
    embeddingDim: model.embeddingDim,
    loadedTo: model.loadedTo,
    fileSize: model.fileSize,
    trainContextSize: model.trainContextSize,
    gpuLayers: model.gpuLayers,
    cpuLayers: model.cpuLayers,
    architecture: model.architecture,
    quantization: model.quantization,
    cpuVariant: model.cpuVariant,
    loadTimeMs: model.loadTimeMs,
    ramUsed: model.ramUsed,
    vramUsed: model.vramUsed,
    ...capabilities(model),
  };
}
