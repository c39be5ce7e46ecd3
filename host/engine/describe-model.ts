import { defined } from '../common/defined.ts';
import type { LoadedFigures, RunnerFacts } from './ipc.ts';
import type { LoadedModel, LoadRequest } from './types.ts';

/** Puts together what is known of a loaded model: from its header what it is, from the runner what it takes. */
export function describeModel(
  order: LoadRequest,
  loaded: { facts: RunnerFacts; figures: LoadedFigures; loadTimeMs: number; notice?: string | undefined },
): LoadedModel {
  const { shape } = order.model;
  const { facts, figures, loadTimeMs, notice } = loaded;
  const layers = shape.layerBytes.length;
  const cpuLayers = Math.max(0, layers - figures.gpuLayers);
  return {
    id: order.id,
    backend: shape.modelType === 'bitnet' ? 'Node-BitNet' : 'Node-GGUF',
    modelType: shape.modelType,
    architecture: shape.architecture,
    abilities: order.model.abilities,
    quantization: shape.quantization,
    vocabSize: figures.vocabSize,
    embeddingDim: figures.embeddingDim,
    contextSize: figures.contextSize,
    trainContextSize: figures.trainContextSize,
    fileSize: shape.fileBytes,
    gpuLayers: figures.gpuLayers,
    cpuLayers,
    loadedTo: placement(figures.gpuLayers, cpuLayers),
    cpuVariant: facts.cpuVariant,
    loadTimeMs,
    ramUsed: figures.ramUsed,
    vramUsed: figures.vramUsed,
    loadedAt: Math.floor(Date.now() / 1000),
    ...defined({ notice }),
  };
}

function placement(gpuLayers: number, cpuLayers: number): LoadedModel['loadedTo'] {
  if (gpuLayers === 0) return 'CPU';
  return cpuLayers === 0 ? 'GPU' : 'SPLIT';
}
