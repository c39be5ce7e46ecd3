import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, REMOTE_ERRORS } from '../errors.ts';
import {
  bytes,
  count,
  field,
  modelId,
  modelReference,
  name,
  nullable,
  numberBetween,
  objectWith,
  optional,
  pagedResponse,
  paging,
  percentage,
  textUpTo,
  unixSeconds,
  updateOf,
} from '../fields.ts';
import { FILE_KINDS } from '../file-kinds.ts';
import { MODEL_SOURCES } from '../model-sources.ts';
import { estimate } from './estimate.ts';

/** `gguf` and `bitnet` run here. The others are refused with a hint at what runs them. */
export const MODEL_TYPES = ['gguf', 'bitnet', 'onnx', 'safetensors', 'mediapipe'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

/** The base model of an adapter. */
export const baseModel = optional(
  v.object({
    name: optional(v.string(), 'Its name.'),
    repoId: optional(v.string(), 'Its repository on the Hugging Face Hub.'),
  }),
  'Extension: the base model of a LoRA adapter; absent for other files, and if the adapter does not name it.',
);

/** A model of the catalog, in the form in which it is stored. */
export const catalogEntry = v.object({
  id: field(v.string(), 'Alias of `modelId`.'),
  name: field(v.string(), 'A name for display.'),
  repo_id: field(v.string(), 'The repository.'),
  file_path: field(v.string(), 'The file; of a model split into several files, the first.'),
  model_type: field(
    v.picklist([...MODEL_TYPES, 'remote']),
    'The type; extension: `remote`, a model of a configured remote engine.',
  ),
  size_gb: field(v.number(), 'The size in decimal gigabytes.'),
  tags: field(v.array(v.string()), 'Keywords.'),
  suggested: field(v.boolean(), 'Whether it is suggested to new users.'),
  downloaded: field(v.boolean(), 'Whether it is downloaded. Always true for a remote model.'),
  description: field(v.string(), 'A sentence about the model.'),
  default_quant: field(v.string(), 'Its quantization, such as `Q4_K_M`; empty where it is unknown.'),
  source: field(
    v.picklist(['default', 'user', 'disk', 'remote', ...MODEL_SOURCES]),
    "Where it comes from: the built-in list, the user's additions, the cache or, as an extension, another program or a remote engine.",
  ),
  requires_token: field(v.boolean(), 'Whether downloading it requires an access token.'),
});

/** An entry of a list of available models. */
const listedModel = v.object({ modelId, ...catalogEntry.entries });

/** An entry of a list of downloaded models. */
export const downloadedModel = v.object({
  ...listedModel.entries,
  size: field(bytes, 'The size of all files on the disk.'),
  newer: optional(
    v.object({
      size: field(bytes, 'The size of the newer files.'),
      changedAt: optional(unixSeconds, 'When they were committed; absent if the Hugging Face Hub does not say.'),
    }),
    'Extension: present if the Hugging Face Hub has newer files, as the last `CHECK_UPDATES` found.',
  ),
  partial: optional(
    v.object({
      status: field(v.picklist(['downloading', 'paused', 'failed']), 'The state of the download.'),
      downloaded: field(bytes, 'Downloaded bytes.'),
      total: field(bytes, 'Bytes of all files; 0 while this is unknown.'),
      progress: field(percentage, 'The downloaded share.'),
      updateOf,
    }),
    'Extension: the progress of an unfinished download. Such an entry is not `downloaded`.',
  ),
  path: optional(v.string(), "Extension: where another program's file is."),
  kind: optional(
    v.picklist(FILE_KINDS),
    'Extension: the kind of the file, as in `LIST_REPO_FILES`; absent for a `model`.',
  ),
  baseModel,
});

const errors = [...CACHE_ERRORS, ...REMOTE_ERRORS] as const;

export const getAvailableModels = defineAction({
  name: 'GET_AVAILABLE_MODELS',
  summary: 'Lists the available models and whether each is downloaded.',
  request: paging,
  response: v.object({
    models: field(
      v.array(
        v.object({
          ...listedModel.entries,
          estimate: optional(
            estimate,
            'Extension: whether and how fast it would run, from its size and name; absent for a remote model, and where its size is unknown.',
          ),
        }),
      ),
      'The models.',
    ),
    ...pagedResponse,
  }),
  errors,
});

export const getDownloadedModels = defineAction({
  name: 'GET_DOWNLOADED_MODELS',
  summary: 'Lists the downloaded models.',
  request: {
    partial: optional(v.boolean(), 'Extension: whether to include unfinished downloads, with `partial`.'),
    ...paging,
  },
  response: v.object({ models: field(v.array(downloadedModel), 'The models.'), ...pagedResponse }),
  errors: CACHE_ERRORS,
});

const typeReference = {
  modelType: optional(name, 'A type, such as `gguf`.'),
  type: optional(name, 'Alias of `modelType`.'),
};

export const getModelsByType = defineAction({
  name: 'GET_MODELS_BY_TYPE',
  summary: 'Lists the available models of a type.',
  request: { ...typeReference, ...paging },
  response: v.object({
    modelType: field(v.string(), 'The type.'),
    models: field(v.array(listedModel), 'The models.'),
    ...pagedResponse,
  }),
  errors: ['UNSUPPORTED_MODEL_TYPE', ...errors],
});

export const getDefaultModel = defineAction({
  name: 'GET_DEFAULT_MODEL',
  summary: 'Returns the suggested first model of a type.',
  request: typeReference,
  response: v.object({
    modelType: field(v.string(), 'The type.'),
    defaultModel: nullable(listedModel, 'The model; null if none is suggested.'),
  }),
  errors: ['UNSUPPORTED_MODEL_TYPE', ...CACHE_ERRORS],
});

/** What a user can say about a model. Only the repository is required; the rest has defaults. */
export const newCatalogEntry = objectWith({
  id: optional(name, 'The model id.'),
  name: optional(textUpTo(4096), 'A name for display.'),
  repo_id: optional(name, 'The repository, `owner/name`.'),
  repo: optional(name, 'Alias of `repo_id`.'),
  file_path: optional(name, 'The file in the repository.'),
  model_type: optional(v.picklist(MODEL_TYPES), 'The type.'),
  size_gb: optional(numberBetween(0, 1e6), 'The size in decimal gigabytes.'),
  tags: optional(v.pipe(v.array(textUpTo(64)), v.maxLength(32, 'at most 32 keywords')), 'Keywords.'),
  description: optional(textUpTo(4096), 'A sentence about the model.'),
  default_quant: optional(textUpTo(64), 'Its quantization.'),
  requires_token: optional(v.boolean(), 'Whether downloading it requires an access token.'),
});

export const addModelToList = defineAction({
  name: 'ADD_MODEL_TO_LIST',
  summary: 'Adds a model to the list of available models.',
  request: { model: field(newCatalogEntry, 'The model.') },
  response: v.object({ model: field(listedModel, 'The entry as it is listed.') }),
  errors: ['UNSUPPORTED_MODEL_TYPE', ...CACHE_ERRORS],
});

export const removeModelFromList = defineAction({
  name: 'REMOVE_MODEL_FROM_LIST',
  summary:
    'Removes a model that `ADD_MODEL_TO_LIST` added from the list of available models. Its files, if it is downloaded, stay.',
  request: modelReference,
  response: v.object({
    modelId,
    removed: field(v.boolean(), 'Whether it was removed; false if it had not been added.'),
  }),
  errors: CACHE_ERRORS,
});

export const getRegisteredModels = defineAction({
  name: 'GET_REGISTERED_MODELS',
  summary: 'Returns the available models, keyed by ID.',
  request: {},
  response: v.object({
    models: field(
      v.record(
        v.string(),
        v.object({
          modelId,
          name: field(v.string(), 'A name for display.'),
          repo: field(v.string(), 'The repository.'),
          type: field(v.string(), 'The type, such as `gguf`.'),
          description: field(v.string(), 'A sentence about the model.'),
          size_gb: field(v.number(), 'The size in decimal gigabytes.'),
          recommended: field(v.boolean(), 'Whether it is suggested to new users.'),
          variants: field(v.array(v.string()), 'Its quantizations.'),
        }),
      ),
      'The models by their ids.',
    ),
    total: field(count, 'Their number.'),
  }),
  errors: CACHE_ERRORS,
});

export const getRecipes = defineAction({
  name: 'GET_RECIPES',
  summary: 'Lists the combinations of backend and hardware this host can run models with.',
  request: {},
  response: v.object({
    recipes: field(
      v.array(
        v.object({
          recipe: field(v.string(), 'The name of the combination.'),
          backend: field(v.string(), 'The engine.'),
          acceleration: field(v.string(), 'What speeds it up, such as `CUDA`.'),
          file_format: field(v.string(), 'The format of its model files.'),
          description: field(v.string(), 'The combination in words.'),
          hardware_required: field(v.string(), 'The required hardware.'),
          os_support: field(v.array(v.string()), 'The supported operating systems.'),
        }),
      ),
      'The combinations.',
    ),
    total: field(count, 'Their number.'),
  }),
  topLevel: 'payload',
});
