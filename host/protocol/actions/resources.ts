import * as v from 'valibot';
import { modelNaming } from '../fields.ts';
import { LoadedTo } from './models.ts';

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
