import type { ModelAbilities } from '../gguf/abilities.ts';
import type { InspectedModel } from '../gguf/model.ts';
import type { CacheTypes } from '../hardware/cache-types.ts';
import type { ThreadRange } from '../hardware/threads.ts';
import type { ServedModel } from '../models/model-server.ts';

/** How a model is to be loaded. Every number has been chosen by now: the engine decides nothing about fit. */
export interface LoadSettings extends CacheTypes {
  /** Layers on the GPU; the output layer counts as one, so `layers + 1` is everything. */
  readonly gpuLayers: number;
  /** Tokens. */
  readonly contextSize: number;
  /** CPU threads; a range where the runner chooses within it, by what it measures. */
  readonly threads: number | ThreadRange;
  readonly batchSize?: number;
  readonly useMmap?: boolean;
  readonly useMlock?: boolean;
  /** Has llama.cpp try where its binding would say beforehand that there is not enough memory. */
  readonly force?: boolean;
}

/** One load, as the supervisor is asked for it. */
export interface LoadRequest {
  /** The model id. */
  readonly id: string;
  readonly model: InspectedModel;
  readonly settings: LoadSettings;
  /** Idle time after which it is unloaded, milliseconds; absent = never. */
  readonly keepAliveMs?: number | undefined;
}

/** A model in memory. Sizes are bytes, measured. */
export interface LoadedModel extends ServedModel {
  readonly backend: 'Node-GGUF' | 'Node-BitNet';
  readonly modelType: 'gguf' | 'bitnet';
  readonly loadedTo: 'CPU' | 'GPU' | 'SPLIT';
  /** What it can be asked for. */
  readonly abilities: ModelAbilities;
}

/** How far a load has come. */
export interface LoadProgress {
  /** 0 to 1, as llama.cpp reports it. */
  readonly fraction: number;
}
