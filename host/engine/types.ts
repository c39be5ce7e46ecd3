import type { HostError } from '../errors.ts';
import type { InspectedModel } from '../gguf/model.ts';

/** How a model is to be loaded. Every number has been chosen by now: the engine decides nothing about fit. */
export interface LoadSettings {
  /** Layers on the GPU; the output layer counts as one, so `layers + 1` is everything. */
  readonly gpuLayers: number;
  /** Tokens. */
  readonly contextSize: number;
  /** CPU threads. */
  readonly threads: number;
  readonly batchSize?: number;
  readonly useMmap?: boolean;
  readonly useMlock?: boolean;
}

/** One load, as the supervisor is asked for it. */
export interface LoadOrder {
  /** The model id. */
  readonly id: string;
  readonly model: InspectedModel;
  readonly settings: LoadSettings;
}

/** A model in memory. Sizes are bytes, measured. */
export interface LoadedModel {
  readonly id: string;
  readonly backend: 'Node-GGUF' | 'Node-BitNet';
  readonly modelType: 'gguf' | 'bitnet';
  readonly architecture: string;
  readonly quantization: string;
  readonly vocabSize: number;
  readonly embeddingDim: number;
  readonly contextSize: number;
  readonly trainContextSize: number;
  readonly fileSize: number;
  readonly gpuLayers: number;
  readonly cpuLayers: number;
  readonly loadedTo: 'CPU' | 'GPU' | 'SPLIT';
  /** The ggml CPU binary the runner has really loaded; null where the platform has a single one. */
  readonly cpuVariant: string | null;
  readonly loadTimeMs: number;
  /** What the load added to the runner's resident memory. */
  readonly ramUsed: number;
  /** What the load took of the GPUs' memory, as the backend reports it. */
  readonly vramUsed: number;
  /** Unix seconds. */
  readonly loadedAt: number;
  /** Said to the user with the success: a fallback that was taken, for example. */
  readonly notice?: string;
}

/** What unloading gave back, bytes. */
export interface FreedMemory {
  readonly ramFreed: number;
  readonly vramFreed: number;
}

/** How far a load has come. */
export interface LoadProgress {
  /** 0 to 1, as llama.cpp reports it. */
  readonly fraction: number;
}

/** A change of what is in memory. `activeId` is the active model after it. */
export type EngineChange =
  | { readonly type: 'loaded' | 'unloaded'; readonly id: string; readonly activeId: string | null }
  /** The runner died; `error` is an `ENGINE_CRASHED` that says how. */
  | { readonly type: 'lost'; readonly id: string; readonly activeId: string | null; readonly error: HostError };
