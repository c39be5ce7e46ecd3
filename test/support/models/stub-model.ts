import type { HostError } from '../../../host/common/errors.ts';
import { NOTHING_GENERATED } from '../../../host/models/generation.ts';
import type { EngineModel, LoadedModel } from '../../../host/models/model-engine.ts';

const INFO: Omit<LoadedModel, 'id' | 'backend'> = {
  modelType: 'gguf',
  architecture: 'llama',
  quantization: 'F16',
  vocabSize: 1,
  embeddingDim: 1,
  contextSize: 1,
  trainContextSize: 1,
  fileSize: 1,
  gpuLayers: 0,
  cpuLayers: 1,
  loadedTo: 'CPU',
  cpuVariant: null,
  loadTimeMs: 1,
  ramUsed: 10,
  mappedBytes: 3,
  vramUsed: 0,
  loadedAt: 0,
};

/** A model whose generations end when they are stopped, or when the test completes them. */
export class StubModel implements EngineModel {
  readonly info: LoadedModel;
  readonly lost: Promise<HostError>;
  readonly lose: (error: HostError) => void;
  readonly generations: PromiseWithResolvers<void>[] = [];
  isUnloaded = false;

  constructor(id: string, backend: LoadedModel['backend'] = 'Node-GGUF') {
    this.info = { ...INFO, id, backend, modelType: backend === 'Remote' ? 'remote' : 'gguf' };
    const lost = Promise.withResolvers<HostError>();
    this.lost = lost.promise;
    this.lose = lost.resolve;
  }

  async generate(_request: unknown, { signal, stop }: Parameters<EngineModel['generate']>[1]) {
    const done = Promise.withResolvers<void>();
    this.generations.push(done);
    signal.addEventListener('abort', () => done.reject(signal.reason));
    stop.addEventListener('abort', () => done.resolve());
    await done.promise;
    return NOTHING_GENERATED;
  }

  render = async () => ({ prompt: '', tokens: 0, stop: [] });
  countTokens = async () => 0;
  embed = async () => [];
  rank = async () => [];
  memory = async () => ({ ramFreed: 7, vramFreed: 0 });

  async unload(): Promise<void> {
    this.isUnloaded = true;
  }
}
