import type { ServedModel } from '../models/model-server.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import type { RemoteModelFacts } from './model-list.ts';

/** A model elsewhere, as a loaded one is told of. It takes no memory of this machine. */
export function describeRemote({ id }: RemoteId, facts: RemoteModelFacts, loadTimeMs: number): ServedModel {
  return {
    id,
    backend: 'Remote',
    modelType: 'remote',
    architecture: '',
    quantization: '',
    vocabSize: facts.vocabSize,
    embeddingDim: facts.embeddingDim,
    contextSize: facts.contextSize,
    trainContextSize: facts.trainContextSize,
    fileSize: facts.size,
    gpuLayers: 0,
    cpuLayers: 0,
    loadedTo: 'REMOTE',
    cpuVariant: null,
    loadTimeMs,
    ramUsed: 0,
    vramUsed: 0,
    loadedAt: Date.now() / 1000,
  };
}
