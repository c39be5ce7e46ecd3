import * as v from 'valibot';
import { integer, modelNaming, Name } from '../fields.ts';
import { LoadedTo, MAX_CONTEXT } from './models.ts';

/** Mebibytes, as the original counted: whole numbers. */
const Mebibytes = v.number();

const byBackend = v.record(v.string(), v.number());

export const QueryResourcesRequest = v.looseObject({});
export const QueryResourcesPayload = v.object({
  resources: v.object({
    vram_total_mb: Mebibytes,
    vram_available_mb: Mebibytes,
    vram_used_mb: Mebibytes,
    ram_total_mb: Mebibytes,
    ram_available_mb: Mebibytes,
    ram_used_mb: Mebibytes,
  }),
  /** Per loaded model. */
  allocations: v.record(v.string(), v.object({ vram_mb: Mebibytes, ram_mb: Mebibytes, backend: v.string() })),
  loaded_models_count: v.number(),
  by_backend: byBackend,
});

export const EstimateModelSizeRequest = v.looseObject({
  ...modelNaming,
  /** The same as `modelPath`, as the original called it. */
  model_path: v.optional(Name),
  /** *Ours*: context in tokens that keys and values are counted for. */
  n_ctx: v.optional(integer(1, MAX_CONTEXT)),
});
export const EstimateModelSizePayload = v.object({
  model_id: v.string(),
  /** *Ours*: the context counted for: the one asked for, else the one a load would get. */
  n_ctx: v.number(),
  /** With the first of `options`, or the best split where there is none. Weights, keys and values, and working memory. */
  estimate: v.object({
    total_size_mb: Mebibytes,
    vram_required_mb: Mebibytes,
    ram_required_mb: Mebibytes,
    layer_count: v.number(),
    /** Of its weights alone, on average. */
    mb_per_layer: v.number(),
  }),
  /** What a model can have now. */
  available: v.object({ vram_mb: Mebibytes, ram_mb: Mebibytes }),
  can_load: v.boolean(),
  /** The ways to hold it that fit now, the quickest first: `vram_layers` is LOAD_MODEL's `n_gpu_layers`. */
  options: v.array(
    v.object({
      strategy: v.picklist(['full_vram', 'hybrid', 'full_ram']),
      vram_layers: v.number(),
      ram_layers: v.number(),
      vram_mb: Mebibytes,
      ram_mb: Mebibytes,
      speed: v.picklist(['fast', 'medium', 'slow']),
      description: v.string(),
    }),
  ),
  /** *Ours*: where there is no option, what would fit in its place, in words. */
  would_fit: v.array(v.string()),
});

export const ListLoadedModelsRequest = v.looseObject({});
export const ListLoadedModelsPayload = v.object({
  models: v.array(
    v.object({
      model_id: v.string(),
      backend: v.string(),
      is_active: v.boolean(),
      loaded_to: LoadedTo,
      gpu_layers: v.number(),
      cpu_layers: v.number(),
      vram_used: v.number(),
      ram_used: v.number(),
      loaded_at: v.number(),
    }),
  ),
  total: v.number(),
  active_model_id: v.nullable(v.string()),
  by_backend: byBackend,
});

export const SelectActiveModelRequest = v.looseObject(modelNaming);
export const SelectActiveModelPayload = v.object({ active_model_id: v.string(), backend: v.string() });

export const GetRecipesRequest = v.looseObject({});
export const GetRecipesPayload = v.object({
  recipes: v.array(
    v.object({
      recipe: v.string(),
      backend: v.string(),
      acceleration: v.string(),
      file_format: v.string(),
      description: v.string(),
      hardware_required: v.string(),
      os_support: v.array(v.string()),
    }),
  ),
  total: v.number(),
});

export const GetRegisteredModelsRequest = v.looseObject({});
export const GetRegisteredModelsPayload = v.object({
  /** By model id. */
  models: v.record(
    v.string(),
    v.object({
      name: v.string(),
      repo: v.string(),
      type: v.string(),
      description: v.string(),
      size_gb: v.number(),
      recommended: v.boolean(),
      variants: v.array(v.string()),
    }),
  ),
  total: v.number(),
});
