import * as v from 'valibot';
import { isHostError } from '../common/errors.ts';
import { BASE_MODEL_NAME, BASE_MODEL_URL, baseModelFrom } from '../gguf/base-model.ts';
import { openFileSource } from '../gguf/file-source.ts';
import { stringOf } from '../gguf/header.ts';
import { inspectModel, readGgufHeader } from '../gguf/inspect.ts';
import { isUnreadable } from './disk.ts';

/** The kind of a file according to its header: a loadable model, a multimodal projector, a LoRA adapter, or neither. */
export const Classification = v.variant('kind', [
  v.object({
    kind: v.literal('model'),
    architecture: v.string(),
    quantization: v.string(),
    modelType: v.picklist(['gguf', 'bitnet']),
  }),
  v.object({ kind: v.literal('projector'), architecture: v.string() }),
  v.object({
    kind: v.literal('adapter'),
    architecture: v.string(),
    baseModel: v.optional(v.object({ name: v.optional(v.string()), repoId: v.optional(v.string()) })),
  }),
  v.object({ kind: v.literal('rejected'), reason: v.string() }),
]);
export type Classification = v.InferOutput<typeof Classification>;

/** Classifies the files of a model by their headers. Returns undefined if they cannot be read at the moment. */
export async function classify(files: readonly string[], signal: AbortSignal): Promise<Classification | undefined> {
  try {
    const { shape } = await inspectModel(files, { signal });
    const { architecture, quantization, modelType } = shape;
    return { kind: 'model', architecture, quantization, modelType };
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreadable(error)) return undefined;
    if (!isHostError(error)) throw error;
    if (error.code !== 'MODEL_REJECTED') return undefined;
    const [file] = files;
    const companion = file === undefined ? undefined : await classifyCompanion(file, signal);
    return companion ?? { kind: 'rejected', reason: error.message };
  }
}

/** Returns what a valid GGUF file is that belongs to a model: a projector or an adapter; undefined for any other file. */
async function classifyCompanion(file: string, signal: AbortSignal): Promise<Classification | undefined> {
  try {
    const source = await openFileSource(file);
    try {
      const header = await readGgufHeader(source, { signal, file });
      const architecture = stringOf(header, 'general.architecture');
      if (architecture === 'clip') return { kind: 'projector', architecture };
      if (architecture === undefined || stringOf(header, 'general.type') !== 'adapter') return undefined;
      const baseModel = baseModelFrom(stringOf(header, BASE_MODEL_NAME), stringOf(header, BASE_MODEL_URL));
      return { kind: 'adapter', architecture, ...(baseModel && { baseModel }) };
    } finally {
      await source.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreadable(error) || isHostError(error, 'MODEL_REJECTED')) return undefined;
    throw error;
  }
}
