import * as v from 'valibot';
import { Bytes, integer, modelNaming, objectWith, pagedPayload, paging, UnixSeconds } from '../fields.ts';

/** Most layers a request may ask to put on a GPU. Larger than any model's; llama.cpp takes "all" the same way. */
const MAX_LAYERS = 100_000;
/** Largest context a request may ask for, tokens: 16 Mi, above any model published. */
export const MAX_CONTEXT = 16 * 1024 * 1024;

/** Longest a model may be told to stay idle, seconds: 23 days, what a timer holds. */
const MAX_KEEP_ALIVE = 2_000_000;

const CacheType = v.picklist(['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0']);

/** How to load a model. Settings of the original that this host has no use for are let through and ignored. */
export const LoadSettings = objectWith({
  /** Layers on the GPU: 0 = CPU only, -1 = as many as fit (the original's "all"); absent = the best split. */
  n_gpu_layers: v.optional(integer(-1, MAX_LAYERS)),
  /** Context size in tokens; absent = the model's training context, as far as memory allows, at most the host's default. */
  n_ctx: v.optional(integer(1, MAX_CONTEXT)),
  /** CPU threads for evaluation; absent = chosen from the physical cores. */
  n_threads: v.optional(integer(1, 1024)),
  n_batch: v.optional(integer(1, 65_536)),
  use_mmap: v.optional(v.boolean()),
  use_mlock: v.optional(v.boolean()),
  /**
   * *Ours*: the type in which keys are kept, as llama.cpp names them; absent = `f16`. A quantized one needs heads of
   * whole blocks of 32 numbers.
   */
  cache_type_k: v.optional(CacheType),
  /** *Ours*: the same for values. */
  cache_type_v: v.optional(CacheType),
  /** *Ours*: load also what by the estimate does not fit into memory; nothing is unloaded for it. */
  force: v.optional(v.boolean()),
});

export const LoadModelRequest = v.looseObject({
  ...modelNaming,
  settings: v.optional(LoadSettings),
  /** Given back in every progress event of this load. */
  loadId: v.optional(v.union([v.string(), v.number()])),
  /**
   * *Ours*: seconds without work after which the model is unloaded, with the event `MODEL_UNLOADED`; -1 or absent =
   * never. For a model in memory it counts from now on.
   */
  keepAlive: v.optional(integer(-1, MAX_KEEP_ALIVE)),
  /** The original let the settings stand beside the name as well. */
  n_gpu_layers: v.optional(integer(-1, MAX_LAYERS)),
  n_ctx: v.optional(integer(1, MAX_CONTEXT)),
});

/** Where a model is; *ours*: `REMOTE`, in an engine the user named. */
export const LoadedTo = v.picklist(['CPU', 'GPU', 'SPLIT', 'REMOTE']);

/** What a loaded model can be asked for. */
const Capabilities = v.optional(v.array(v.picklist(['generate', 'embed', 'rank'])));

export const LoadModelPayload = v.object({
  isReady: v.literal(true),
  /** Which engine runs it: `Node-GGUF`, `Node-BitNet`, or *(ours)* `Remote`. */
  backend: v.string(),
  /** The model id. */
  modelPath: v.string(),
  vocabSize: v.number(),
  /** Tokens of context this load has. */
  contextSize: v.number(),
  embeddingDim: v.number(),
  loadedTo: LoadedTo,
  fileSize: Bytes,
  trainContextSize: v.number(),
  gpuLayers: v.number(),
  cpuLayers: v.number(),
  architecture: v.string(),
  quantization: v.string(),
  /** The ggml CPU binary that is really loaded (`haswell`, `zen4`, …); null where the platform has a single one. */
  cpuVariant: v.nullable(v.string()),
  loadTimeMs: v.number(),
  /** Memory the load took, measured, bytes. */
  ramUsed: Bytes,
  vramUsed: Bytes,
  /** *Ours*: what it can be asked for; absent for a model of an engine elsewhere, where that shows when it is asked. */
  capabilities: Capabilities,
});

export const UnloadModelRequest = v.looseObject(modelNaming);
export const UnloadModelPayload = v.object({
  modelPath: v.string(),
  wasLoaded: v.literal(true),
  ramFreed: Bytes,
  vramFreed: Bytes,
});

export const LoadedModelEntry = v.object({
  model_id: v.string(),
  loaded_to: LoadedTo,
  gpu_layers: v.number(),
  cpu_layers: v.number(),
  vram_used: Bytes,
  ram_used: Bytes,
  loaded_at: UnixSeconds,
  /** *Ours*: what it can be asked for; absent for a model of an engine elsewhere, where that shows when it is asked. */
  capabilities: Capabilities,
  config: v.object({
    vocab_size: v.number(),
    context_size: v.number(),
    embedding_dim: v.number(),
    file_size: Bytes,
    model_type: v.string(),
  }),
});

export const GetLoadedModelsRequest = v.looseObject(paging);
export const GetLoadedModelsPayload = v.object({ models: v.array(LoadedModelEntry), ...pagedPayload });

/** *Ours*: the hosts of this user that have models in memory; a browser starts one for each port. */
export const ListHostsRequest = v.looseObject(paging);
export const ListHostsPayload = v.object({
  hosts: v.array(
    v.object({ pid: v.number(), version: v.string(), started_at: UnixSeconds, models: v.array(LoadedModelEntry) }),
  ),
  ...pagedPayload,
});

export const GetModelStateRequest = v.looseObject(modelNaming);
/** With no model named: which one is active. */
export const ActiveModelState = v.object({
  isReady: v.boolean(),
  backend: v.nullable(v.string()),
  modelPath: v.nullable(v.string()),
});
export const GetModelStatePayload = v.union([LoadedModelEntry, ActiveModelState]);

export const GetCurrentModelRequest = v.looseObject({});
export const GetCurrentModelPayload = v.object({ currentModel: v.nullable(v.string()) });
export const SetActiveModelRequest = v.looseObject(modelNaming);
export const SetActiveModelPayload = v.object({ currentModel: v.string() });

export const UnloadAllModelsRequest = v.looseObject({});
export const UnloadAllModelsPayload = v.object({ unloadedModels: v.array(v.string()), count: v.number() });

/** Largest model size a request may state, bytes: 1 PiB. */
const MAX_MODEL_BYTES = 2 ** 50;

export const RecommendSplitRequest = v.looseObject({
  ...modelNaming,
  /** Bytes of the model's file. */
  modelSize: v.optional(integer(1, MAX_MODEL_BYTES)),
  totalLayers: v.optional(integer(1, MAX_LAYERS)),
  /** *Ours*: context in tokens the KV cache is counted for. */
  n_ctx: v.optional(integer(1, MAX_CONTEXT)),
});
export const RecommendSplitPayload = v.object({
  gpu_layers: v.number(),
  cpu_layers: v.number(),
  estimated_vram: Bytes,
  estimated_ram: Bytes,
  performance_tier: v.picklist(['fast', 'medium', 'slow']),
  /** *Ours*: whether it can be loaded at all with the memory that is free now. */
  fits: v.boolean(),
  reason: v.string(),
});
