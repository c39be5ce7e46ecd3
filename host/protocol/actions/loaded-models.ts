import * as v from 'valibot';
import { defineAction } from '../define.ts';
import {
  bytes,
  count,
  field,
  modelId,
  modelReference,
  nullable,
  optional,
  pagedResponse,
  paging,
  requestId,
  unixSeconds,
} from '../fields.ts';
import { capabilities, loadedAdapters, loadedDraft, loadedTo, otherHost, reasoningLevels } from './load.ts';

/** Mebibytes, the original's unit. */
const mebibytes = v.pipe(v.number(), v.title('integer, MiB'));

/** Number of loaded models per backend. */
const byBackend = field(v.record(v.string(), count), 'The number of loaded models of each backend.');

/** Where a loaded model runs, and since when. */
const placement = {
  model_id: field(v.string(), 'Alias of `modelId`.'),
  loaded_to: field(loadedTo, 'Where it runs.'),
  gpu_layers: field(count, 'Layers on the GPU.'),
  cpu_layers: field(count, 'Layers on the CPU.'),
  vram_used: field(bytes, 'GPU memory it uses.'),
  ram_used: field(bytes, 'Main memory it uses.'),
  loaded_at: field(unixSeconds, 'When it was loaded.'),
};

/** A loaded model as hosts announce it to each other; hosts of an earlier version announce no `modelId`. */
export const announcedModel = v.object({
  ...placement,
  capabilities: optional(capabilities, 'Extension: what it can do; absent for a remote model.'),
  reasoning: reasoningLevels,
  lora: loadedAdapters,
  draftModel: loadedDraft,
  config: field(
    v.object({
      vocab_size: field(count, 'The size of its vocabulary in tokens.'),
      context_size: field(count, 'The context length it was loaded with, in tokens.'),
      embedding_dim: field(count, 'The dimensions of its embeddings.'),
      file_size: field(bytes, 'The size of its files.'),
      model_type: field(v.string(), 'Its type, such as `gguf`.'),
    }),
    'Properties of the model.',
  ),
});

const loadedModel = v.object({ modelId, ...announcedModel.entries, host: otherHost });

export const unloadModel = defineAction({
  name: 'UNLOAD_MODEL',
  summary:
    'Unloads a model from memory, also one that only another host of this user has loaded. Cancels its load if that has not finished.',
  request: {
    ...modelReference,
    targetRequestId: optional(
      requestId,
      'Extension: the `requestId` of the `LOAD_MODEL` to cancel, in place of a model.',
    ),
  },
  response: v.object({
    modelId,
    modelPath: field(v.string(), 'Alias of `modelId`.'),
    wasLoaded: field(v.boolean(), 'Whether it was loaded; false if its load was cancelled.'),
    ramFreed: field(bytes, 'Freed main memory.'),
    vramFreed: field(bytes, 'Freed GPU memory.'),
  }),
  errors: ['MODEL_NOT_LOADED'],
});

export const unloadAllModels = defineAction({
  name: 'UNLOAD_ALL_MODELS',
  summary:
    'Unloads all models of this host, and cancels the loads that have not finished. Models of other hosts stay loaded there.',
  request: {},
  response: v.object({
    unloadedModels: field(v.array(v.string()), 'The ids of the unloaded models.'),
    count: field(count, 'Their number.'),
  }),
});

export const getLoadedModels = defineAction({
  name: 'GET_LOADED_MODELS',
  summary: 'Lists the models loaded by this host.',
  request: paging,
  response: v.object({ models: field(v.array(loadedModel), 'The loaded models.'), ...pagedResponse }),
});

export const listHosts = defineAction({
  name: 'LIST_HOSTS',
  summary: "Lists the user's host processes and the models each has loaded.",
  request: paging,
  response: v.object({
    hosts: field(
      v.array(
        v.object({
          pid: field(count, 'The process id.'),
          program: optional(
            v.string(),
            'Extension: the name of the program that started the host, such as `Firefox`; absent if it gave none.',
          ),
          version: field(v.string(), "The host's version."),
          started_at: field(unixSeconds, 'When the host was started.'),
          models: field(v.array(loadedModel), 'Its loaded models.'),
        }),
      ),
      'Host processes with loaded models, and `tabagent serve`; a browser starts one for each connection.',
    ),
    ...pagedResponse,
  }),
});

export const getModelState = defineAction({
  name: 'GET_MODEL_STATE',
  summary: 'Returns the state of a loaded model or, without a model, the active model.',
  request: modelReference,
  response: v.union([
    loadedModel,
    v.object({
      modelId: nullable(v.string(), 'The id of the active model; null if none is active.'),
      isReady: field(v.boolean(), 'Whether a model is active.'),
      backend: nullable(v.string(), 'The engine that runs it.'),
      modelPath: nullable(v.string(), 'Alias of `modelId`.'),
    }),
  ]),
  errors: ['MODEL_NOT_LOADED'],
});

export const getCurrentModel = defineAction({
  name: 'GET_CURRENT_MODEL',
  summary: 'Returns the active model.',
  request: {},
  response: v.object({
    modelId: nullable(v.string(), 'The id of the active model; null if none is active.'),
    currentModel: nullable(v.string(), 'Alias of `modelId`.'),
  }),
});

export const setActiveModel = defineAction({
  name: 'SET_ACTIVE_MODEL',
  summary: 'Sets the active model to a loaded model.',
  request: modelReference,
  response: v.object({ modelId, currentModel: field(v.string(), 'Alias of `modelId`.') }),
  errors: ['MODEL_NOT_LOADED'],
});

export const selectActiveModel = defineAction({
  name: 'SELECT_ACTIVE_MODEL',
  summary: 'Sets the active model, like `SET_ACTIVE_MODEL`; its reply also names the backend.',
  request: modelReference,
  response: v.object({
    modelId,
    active_model_id: field(v.string(), 'Alias of `modelId`.'),
    backend: field(v.string(), 'The engine that runs it.'),
  }),
  topLevel: 'payload',
  errors: ['MODEL_NOT_LOADED'],
});

export const listLoadedModels = defineAction({
  name: 'LIST_LOADED_MODELS',
  summary: 'Lists the loaded models with counts by backend.',
  request: {},
  response: v.object({
    models: field(
      v.array(
        v.object({
          modelId,
          ...placement,
          backend: field(v.string(), 'The engine that runs it.'),
          is_active: field(v.boolean(), 'Whether it is the active model.'),
        }),
      ),
      'The loaded models.',
    ),
    total: field(count, 'Their number.'),
    active_model_id: nullable(v.string(), 'The id of the active model; null if none is active.'),
    by_backend: byBackend,
  }),
  topLevel: 'payload',
});

export const queryResources = defineAction({
  name: 'QUERY_RESOURCES',
  summary: 'Returns free and used memory, and the memory use of each loaded model, in MiB.',
  request: {},
  response: v.object({
    resources: field(
      v.object({
        vram_total_mb: field(mebibytes, 'GPU memory of all GPUs.'),
        vram_available_mb: field(mebibytes, 'Free GPU memory.'),
        vram_used_mb: field(mebibytes, 'Used GPU memory.'),
        ram_total_mb: field(mebibytes, 'Installed memory.'),
        ram_available_mb: field(mebibytes, 'Memory that programs can still use.'),
        ram_used_mb: field(mebibytes, 'Memory in use.'),
      }),
      'The memory of the computer.',
    ),
    allocations: field(
      v.record(
        v.string(),
        v.object({
          modelId,
          vram_mb: field(mebibytes, 'GPU memory it uses.'),
          ram_mb: field(mebibytes, 'Main memory it uses.'),
          backend: field(v.string(), 'The engine that runs it.'),
        }),
      ),
      'The loaded models by their ids.',
    ),
    loaded_models_count: field(count, 'The number of loaded models.'),
    by_backend: byBackend,
  }),
  topLevel: 'payload',
});
