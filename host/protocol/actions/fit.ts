import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, HUB_ERRORS } from '../errors.ts';
import { bytes, count, field, integer, modelId, modelReference, name, nullable, optional } from '../fields.ts';
import { MAX_CONTEXT, MAX_LAYERS } from '../limits.ts';
import { savedLoadSettings } from './load.ts';

/** Largest model size a request may state, bytes: 1 PiB. */
const MAX_MODEL_BYTES = 2 ** 50;

const errors = [
  'MODEL_REJECTED',
  'MODEL_NOT_DOWNLOADED',
  'INSUFFICIENT_MEMORY',
  'UNSUPPORTED_MODEL_TYPE',
  ...HUB_ERRORS,
  ...CACHE_ERRORS,
] as const;

export const recommendSplit = defineAction({
  name: 'RECOMMEND_SPLIT',
  summary: 'Recommends how to split a model between GPU and CPU. Works before and after download.',
  request: {
    ...modelReference,
    modelSize: optional(integer(1, MAX_MODEL_BYTES), "The size of the model's file in bytes, instead of a model."),
    totalLayers: optional(integer(1, MAX_LAYERS), 'With `modelSize`: the number of layers. Default: 32.'),
    n_ctx: optional(integer(1, MAX_CONTEXT), 'Extension: the context length in tokens to plan for.'),
  },
  response: v.object({
    modelId: optional(v.string(), 'The id of the model; absent where only a size was given.'),
    gpu_layers: field(count, 'Layers to put on the GPU.'),
    cpu_layers: field(count, 'Layers to leave on the CPU.'),
    estimated_vram: field(bytes, 'Estimated GPU memory.'),
    estimated_ram: field(bytes, 'Estimated main memory.'),
    performance_tier: field(v.picklist(['fast', 'medium', 'slow']), 'How fast it will be.'),
    tokens_per_second: nullable(
      v.number(),
      'Extension: expected tokens per second of an answer; null if it does not fit, if only a size is given, and until this computer has been measured.',
    ),
    fits: field(v.boolean(), 'Extension: whether it can be loaded with the memory that is free now.'),
    reason: field(v.string(), 'Why this split is recommended, in a sentence.'),
    settings: optional(
      v.object(savedLoadSettings),
      'Extension: the settings with which `LOAD_MODEL` would load it now, where neither the request nor the saved settings of the model choose others; absent where only a size was given.',
    ),
  }),
  errors,
});

/** Mebibytes, the original's unit. */
const mebibytes = v.pipe(v.number(), v.title('integer, MiB'));

export const estimateModelSize = defineAction({
  name: 'ESTIMATE_MODEL_SIZE',
  summary: 'Estimates the memory a model needs, downloaded or not, and lists the configurations that fit now.',
  request: {
    ...modelReference,
    model_path: optional(name, 'Alias of `modelPath`.'),
    n_ctx: optional(integer(1, MAX_CONTEXT), 'Extension: the context length in tokens to plan for.'),
  },
  response: v.object({
    modelId,
    model_id: field(v.string(), 'Alias of `modelId`.'),
    n_ctx: field(
      count,
      'Extension: the context length of the estimate: the requested one, or the one a load would use.',
    ),
    estimate: field(
      v.object({
        total_size_mb: field(mebibytes, 'All memory.'),
        vram_required_mb: field(mebibytes, 'GPU memory.'),
        ram_required_mb: field(mebibytes, 'Main memory.'),
        layer_count: field(count, 'The number of layers.'),
        mb_per_layer: field(v.number(), 'The average size of the weights of a layer, MiB.'),
      }),
      'Memory for weights, context and computation with the first of `options`, or with the recommended split if there is none.',
    ),
    available: field(
      v.object({
        vram_mb: field(mebibytes, 'GPU memory.'),
        ram_mb: field(mebibytes, 'Main memory.'),
      }),
      'The memory that a model can use now.',
    ),
    can_load: field(v.boolean(), 'Whether the model can be loaded now.'),
    options: field(
      v.array(
        v.object({
          strategy: field(v.picklist(['full_vram', 'hybrid', 'full_ram']), 'Where the layers are.'),
          vram_layers: field(count, 'Layers on the GPU: `n_gpu_layers` of `LOAD_MODEL`.'),
          ram_layers: field(count, 'Layers in main memory.'),
          vram_mb: field(mebibytes, 'GPU memory.'),
          ram_mb: field(mebibytes, 'Main memory.'),
          speed: field(v.picklist(['fast', 'medium', 'slow']), 'How fast it will be.'),
          description: field(v.string(), 'The option in words.'),
        }),
      ),
      'The configurations that fit now, fastest first.',
    ),
    would_fit: field(v.array(v.string()), 'Extension: where nothing fits, what would fit instead, in words.'),
  }),
  topLevel: 'payload',
  errors,
});
