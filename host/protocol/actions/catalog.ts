import * as v from 'valibot';
import { Bytes, Name, objectWith, pagedPayload, paging } from '../fields.ts';
import { MODEL_SOURCES } from '../model-sources.ts';

/** `gguf` and `bitnet` run here; the others are known by name and refused with what would run them. */
export const MODEL_TYPES = ['gguf', 'bitnet', 'onnx', 'safetensors', 'mediapipe'] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

const Text = v.pipe(v.string(), v.maxLength(4096, 'at most 4096 characters long'));

/** One model the user is offered. */
export const CatalogEntry = v.object({
  /** The model id: `owner/name/file.gguf`. */
  id: v.string(),
  name: v.string(),
  repo_id: v.string(),
  file_path: v.string(),
  /** *Ours*: `remote`, of an engine elsewhere that the configuration names. */
  model_type: v.picklist([...MODEL_TYPES, 'remote']),
  /** Decimal gigabytes, as hubs show it. */
  size_gb: v.number(),
  tags: v.array(v.string()),
  suggested: v.boolean(),
  /** On the disk right now; for a `remote` model true, since there is nothing to be fetched. */
  downloaded: v.boolean(),
  description: v.string(),
  default_quant: v.string(),
  /** Where it comes from: our list, the user's, our cache, or *(ours)* the program that holds the file, or an engine elsewhere. */
  source: v.picklist(['default', 'user', 'disk', 'remote', ...MODEL_SOURCES]),
  requires_token: v.boolean(),
});

/** The same, on the disk: with its true size. */
export const DownloadedEntry = v.object({
  ...CatalogEntry.entries,
  size: Bytes,
  /** *Ours*: where its first file lies, when that is not our cache. */
  path: v.optional(v.string()),
});

export const GetAvailableModelsRequest = v.looseObject(paging);
export const GetAvailableModelsPayload = v.object({ models: v.array(CatalogEntry), ...pagedPayload });
export const GetDownloadedModelsRequest = v.looseObject(paging);
export const GetDownloadedModelsPayload = v.object({ models: v.array(DownloadedEntry), ...pagedPayload });

const typeNaming = { modelType: v.optional(Name), type: v.optional(Name) };
export const GetModelsByTypeRequest = v.looseObject({ ...typeNaming, ...paging });
export const GetModelsByTypePayload = v.object({
  modelType: v.string(),
  models: v.array(CatalogEntry),
  ...pagedPayload,
});
export const GetDefaultModelRequest = v.looseObject(typeNaming);
export const GetDefaultModelPayload = v.object({ modelType: v.string(), defaultModel: v.nullable(CatalogEntry) });

/** What a user may say of a model of their own; only the repository is needed, the rest has sensible values. */
export const NewCatalogEntry = objectWith({
  id: v.optional(Name),
  name: v.optional(Text),
  repo_id: v.optional(Name),
  repo: v.optional(Name),
  file_path: v.optional(Name),
  model_type: v.optional(v.picklist(MODEL_TYPES)),
  size_gb: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1e6))),
  tags: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(32))),
  description: v.optional(Text),
  default_quant: v.optional(v.pipe(v.string(), v.maxLength(64))),
  requires_token: v.optional(v.boolean()),
});
export const AddModelToListRequest = v.looseObject({ model: NewCatalogEntry });
export const AddModelToListPayload = v.object({ model: CatalogEntry });
