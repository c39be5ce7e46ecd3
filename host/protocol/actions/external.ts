import * as v from 'valibot';
import { Bytes, pagedPayload, paging } from '../fields.ts';
import { MODEL_SOURCES } from '../model-sources.ts';
import { DownloadedEntry } from './catalog.ts';

/** A GGUF file, or the parts of one model, that another program holds or the user named. */
export const LocalEntry = v.object({
  /** What LOAD_MODEL takes: the hub's id where the file is known to be the hub's, else `local/<source>/…`. */
  id: v.string(),
  /** What its program calls it. */
  name: v.string(),
  source: v.picklist(MODEL_SOURCES),
  /** A projector belongs to a model and cannot be loaded by itself. */
  kind: v.picklist(['model', 'projector']),
  /** Absolute, the first file. */
  path: v.string(),
  /** Files of the model: more than one where it is in parts. */
  files: v.number(),
  size: Bytes,
  architecture: v.string(),
  quantization: v.nullable(v.string()),
  /** Hex, of the first file, as its program says; null where it keeps none. */
  sha256: v.nullable(v.string()),
  /** True once every file was read and found to be what its program says. */
  verified: v.boolean(),
});

export const ScanLocalModelsRequest = v.looseObject(paging);
export const ScanLocalModelsPayload = v.object({
  models: v.array(LocalEntry),
  /** The folders that are there and were looked into. */
  folders: v.array(v.object({ source: v.picklist(MODEL_SOURCES), folder: v.string() })),
  /** Files with the name of a model that are none, or none that runs here. */
  rejected: v.array(v.object({ source: v.picklist(MODEL_SOURCES), path: v.string(), reason: v.string() })),
  /** Models of the hub that were found once and are there no more. */
  gone: v.array(v.object({ id: v.string(), source: v.picklist(MODEL_SOURCES), path: v.string() })),
  /** What is wrong with the folders in `config.json`. */
  problems: v.array(v.string()),
  /** False when the disks were too slow, or the folders too large, to see everything. */
  complete: v.boolean(),
  ...pagedPayload,
});

/** Longest path any of the systems takes, characters. */
const MAX_PATH_LENGTH = 4096;

export const ImportModelRequest = v.looseObject({
  /** Absolute. Of a model in parts, any of them. */
  path: v.pipe(v.string(), v.minLength(1, 'a path'), v.maxLength(MAX_PATH_LENGTH, 'a path of at most 4096 characters')),
});
export const ImportModelPayload = v.object({ model: DownloadedEntry });
