import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, DOWNLOAD_ERRORS, HUB_ERRORS, REMOTE_ERRORS } from '../errors.ts';
import { modelLoadingProgress } from '../events.ts';
import {
  bytes,
  count,
  field,
  integer,
  modelId,
  modelReference,
  name,
  nullable,
  numberBetween,
  objectWith,
  optional,
  path,
  requestId,
  type Schema,
  textUpTo,
} from '../fields.ts';
import { MAX_ADAPTERS, MAX_CONTEXT, MAX_KEEP_ALIVE, MAX_LAYERS, MAX_TEMPLATE_CHARACTERS } from '../limits.ts';

/** Most GPUs of a computer. */
const MAX_GPUS = 16;

/** Most generations at the same time. */
const MAX_PARALLEL = 64;

const cacheType = v.picklist(['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0']);

/** A LoRA adapter that a request names. */
const adapter = v.strictObject({
  id: optional(name, 'A downloaded adapter, or one of another program, named as a model is.'),
  path: optional(
    path,
    'The absolute path of its file, in place of `id`. The file is registered, as by `IMPORT_MODEL`. Command line only.',
  ),
  scale: optional(numberBetween(-100, 100), 'How strongly it changes the model; 0 for not at all. Default: 1.'),
});

/** Settings of a load that can be saved for a model. */
export const savedLoadSettings = {
  n_gpu_layers: optional(
    integer(-1, MAX_LAYERS),
    'Layers on the GPU: 0 for none, -1 for as many as fit. Default: the recommended split.',
  ),
  n_ctx: optional(
    integer(1, MAX_CONTEXT),
    "The context length in tokens. Default: the model's training context as far as memory allows, at most the host's default.",
  ),
  n_parallel: optional(
    integer(1, MAX_PARALLEL),
    'Extension: generations that run at the same time, each with the whole context length; others wait. Default: as many as take little of the free memory, at most 4.',
  ),
  n_threads: optional(integer(1, 1024), 'CPU threads. Default: chosen from the physical cores.'),
  n_batch: optional(integer(1, 65_536), 'Tokens evaluated at once.'),
  use_mmap: optional(v.boolean(), 'Whether to map the file into memory.'),
  use_mlock: optional(v.boolean(), 'Whether to keep the model from being swapped out.'),
  use_direct_io: optional(
    v.boolean(),
    "Extension: whether to read the file without the system's cache, where the system can; it is then not mapped. Default: false.",
  ),
  flash_attn: optional(
    v.boolean(),
    'Extension: whether to use flash attention, which needs less memory for long contexts. Default: where llama.cpp supports it for the model.',
  ),
  cache_type_k: optional(
    cacheType,
    'Extension: the type of the keys in the context cache, as llama.cpp names it. A quantized type requires attention head sizes that are multiples of 32. Default: `f16`.',
  ),
  cache_type_v: optional(
    cacheType,
    'Extension: the type of the values in the context cache. A quantized type requires flash attention.',
  ),
  chat_template: optional(
    textUpTo(MAX_TEMPLATE_CHARACTERS),
    "Extension: a Jinja chat template instead of the model's own.",
  ),
  devices: optional(
    v.pipe(v.array(name), v.maxLength(MAX_GPUS, `at most ${MAX_GPUS} GPUs`)),
    'Extension: the GPUs that it may use, by their names in `GET_SYSTEM_RESOURCES`; none for the CPU alone. If several GPUs have the same name, repeat it to use several of them. Default: all that llama.cpp uses.',
  ),
  lora: optional(
    v.pipe(v.array(adapter), v.maxLength(MAX_ADAPTERS, `at most ${MAX_ADAPTERS} adapters`)),
    'Extension: LoRA adapters with which the model generates. Each must be made for this model; embeddings and ranking are not available with them. Default: none.',
  ),
  draft_model: optional(
    v.nullable(name),
    'Extension: a smaller model on this computer, with the same vocabulary, that drafts tokens. This model checks several of them at once and keeps those that it would have generated itself, so its text comes faster if most of them are right, and greedy text is the same. Drafting pauses while it takes more time than it saves, while several generations run, and where a grammar or `xtc` restricts tokens. Null for none. Default: none.',
  ),
};

/** All settings of a load. */
export const loadSettings = {
  ...savedLoadSettings,
  force: optional(
    v.boolean(),
    'Extension: load the model even if it is estimated not to fit in memory. No other model is unloaded for it.',
  ),
};

/** Returns the same settings for the top level of the request. */
function aliasesOf<const E extends Record<string, v.OptionalSchema<Schema, undefined>>>(settings: E): E {
  const aliases: Record<string, unknown> = {};
  for (const [name, { wrapped }] of Object.entries(settings)) {
    aliases[name] = optional(wrapped, `Alias of \`settings.${name}\`.`);
  }
  return aliases as E;
}

/** Where a model runs. */
export const loadedTo = v.picklist(['CPU', 'GPU', 'SPLIT', 'REMOTE']);

/** What a loaded model can do. */
export const capabilities = v.array(v.picklist(['generate', 'embed', 'rank']));

/** Where a model is loaded, if not in this host. */
export const otherHost = optional(
  v.object({
    pid: field(count, 'The process id of the host.'),
    program: optional(
      v.string(),
      'The name of the program that started it, such as `Firefox`; absent if it gave none.',
    ),
  }),
  'Extension: the other host of this user that has the model loaded, whose copy this host uses; absent if this host has it loaded itself.',
);

/** The adapters of a loaded model. */
export const loadedAdapters = optional(
  v.array(
    v.object({ id: field(v.string(), 'The id of the adapter.'), scale: field(v.number(), 'How strongly it is used.') }),
  ),
  'Extension: the LoRA adapters that the model is loaded with; absent if there are none.',
);

/** The draft model of a loaded model. */
export const loadedDraft = optional(
  v.string(),
  'Extension: the id of the draft model that it is loaded with; absent if there is none.',
);

/** Levels of reasoning that a model distinguishes. */
export const reasoningLevels = optional(
  v.array(v.picklist(['off', 'low', 'medium', 'high'])),
  'Extension: the values of `settings.reasoning` besides `auto` that have different effects; absent for a model that does not reason, and for a remote one.',
);

export const loadModel = defineAction({
  name: 'LOAD_MODEL',
  summary:
    'Loads a model into memory, downloading it first if necessary. If another host of this user has it loaded, with the settings that the request chooses, that copy is used.',
  request: {
    ...modelReference,
    settings: optional(
      objectWith(loadSettings),
      'How to load it; what is absent is as saved for the model. Settings of the original that this host does not need are ignored.',
    ),
    loadId: optional(requestId, 'Repeated in every progress event of this load.'),
    keepAlive: optional(
      integer(-1, MAX_KEEP_ALIVE),
      'Extension: seconds without use after which the model is unloaded; -1 for never. If the model is loaded already, they count from now. Default: never.',
    ),
    reload: optional(
      v.boolean(),
      'Extension: whether a model that is loaded with other settings than those of this request is loaded again; its running requests then end. If what is known before shows that it cannot be loaded with them, it stays loaded. If the load fails later, the model is loaded as before, and `details.isLoaded` of the error tells whether that succeeded. Default: true.',
    ),
    inServer: optional(
      v.boolean(),
      'Extension: whether `tabagent serve` loads it, so that it stays loaded when this host ends. This host does not use it until it loads it, too. Default: false.',
    ),
    ...aliasesOf(loadSettings),
  },
  response: v.object({
    modelId,
    modelPath: field(v.string(), 'Alias of `modelId`.'),
    isReady: field(v.literal(true), 'Always true.'),
    backend: field(v.string(), 'The engine that runs it: `Node-GGUF`, `Node-BitNet` or, as an extension, `Remote`.'),
    vocabSize: field(count, 'The size of its vocabulary in tokens.'),
    contextSize: field(count, 'The context length it was loaded with, in tokens.'),
    parallel: optional(
      count,
      'Extension: how many generations run at the same time; absent for a remote model, whose engine decides.',
    ),
    embeddingDim: field(count, 'The dimensions of its embeddings.'),
    loadedTo: field(loadedTo, 'Where it runs; extension: `REMOTE`, in a remote engine.'),
    fileSize: field(bytes, 'The size of its files.'),
    trainContextSize: field(count, 'The context length it was trained with, in tokens.'),
    gpuLayers: field(count, 'Layers on the GPU.'),
    cpuLayers: field(count, 'Layers on the CPU.'),
    architecture: field(v.string(), 'Its architecture, such as `llama`.'),
    quantization: field(v.string(), 'Its quantization, such as `Q4_K_M`.'),
    cpuVariant: nullable(
      v.string(),
      'The ggml CPU library in use (`haswell`, `zen4`, …); null where the platform has only one.',
    ),
    devices: optional(
      v.array(v.string()),
      'Extension: the GPUs that its process can use, as llama.cpp names them; absent for a remote model.',
    ),
    loadTimeMs: field(v.number(), 'How long loading took, milliseconds.'),
    ramUsed: field(bytes, 'Measured main memory of the model.'),
    vramUsed: field(bytes, 'Measured GPU memory of the model.'),
    capabilities: optional(capabilities, 'Extension: what the model can do; absent for a remote model.'),
    reasoning: reasoningLevels,
    chatTemplate: optional(
      v.object({
        used: field(
          v.picklist(['template', 'chatml', 'transcript']),
          "`template`: the model's own, or that of `settings.chat_template`. Without one that works: `chatml` if the vocabulary has its tokens, otherwise a plain `transcript` with lines such as `user: …`.",
        ),
        error: optional(v.string(), 'Why the template cannot be used.'),
      }),
      'Extension: how conversations become prompts; absent for a remote model and for one that does not generate text.',
    ),
    lora: loadedAdapters,
    draftModel: loadedDraft,
    alreadyLoaded: field(
      v.boolean(),
      'Extension: whether the model was loaded before this request, by this host or by another one of this user.',
    ),
    host: otherHost,
    differences: optional(
      v.record(
        v.string(),
        v.object({
          loaded: field(v.unknown(), 'The value of the loaded model.'),
          requested: field(v.unknown(), 'The value of the request.'),
        }),
      ),
      'Extension: with `reload: false`, the settings of the request that the loaded model does not have.',
    ),
    warnings: optional(
      v.array(v.string()),
      'Extension: what the user should know, for example that the context length exceeds that of the training.',
    ),
  }),
  events: [modelLoadingProgress],
  errors: [
    'INSUFFICIENT_MEMORY',
    'UNSUPPORTED_MODEL_TYPE',
    'MODEL_REJECTED',
    'MODEL_NOT_CAPABLE',
    'MODEL_NOT_DOWNLOADED',
    'LOCAL_ONLY',
    'MODEL_NOT_LOADED',
    'CANCELLED',
    'ENGINE_CRASHED',
    'ENGINE_ENDED',
    'ENGINE_UNAVAILABLE',
    'LOAD_TIMEOUT',
    'NO_SERVER',
    'UNSAFE_FOLDER',
    ...DOWNLOAD_ERRORS,
    ...HUB_ERRORS,
    ...CACHE_ERRORS,
    ...REMOTE_ERRORS,
  ],
});
