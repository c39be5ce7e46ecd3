import * as v from 'valibot';
import { isHostError } from '../common/errors.ts';
import { openFileSource } from '../gguf/file-source.ts';
import { stringOf } from '../gguf/header.ts';
import { inspectModel, readGgufHeader } from '../gguf/inspect.ts';
import { isUnreadable } from './disk.ts';

/** The kind of a file according to its header: a model that can be loaded, a multimodal projector, or neither. */
export const Classification = v.variant('kind', [
  v.object({
    kind: v.literal('model'),
    architecture: v.string(),
    quantization: v.string(),
    modelType: v.picklist(['gguf', 'bitnet']),
  }),
  v.object({ kind: v.literal('projector'), architecture: v.string() }),
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
    if (file !== undefined && (await isProjector(file, signal))) return { kind: 'projector', architecture: 'clip' };
    return { kind: 'rejected', reason: error.message };
  }
}

/** Returns whether a file is a multimodal projector: a valid GGUF file with the architecture `clip`. */
async function isProjector(file: string, signal: AbortSignal): Promise<boolean> {
  try {
    const source = await openFileSource(file);
    try {
      return stringOf(await readGgufHeader(source, { signal, file }), 'general.architecture') === 'clip';
    } finally {
      await source.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreadable(error) || isHostError(error, 'MODEL_REJECTED')) return false;
    throw error;
  }
}
