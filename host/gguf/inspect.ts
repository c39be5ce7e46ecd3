import { HostError, isSystemError } from '../common/errors.ts';
import { modelAbilities } from './abilities.ts';
import { checkAdapter, combined } from './adapter.ts';
import { checkModel } from './check-model.ts';
import { openFileSource } from './file-source.ts';
import { type GgufHeader, numberOf } from './header.ts';
import type { AdapterShape, InspectedModel } from './model.ts';
import { modelShape } from './model-shape.ts';
import { readGgufHeader } from './read-header.ts';
import { rejection } from './reject.ts';

export type { GgufHeader } from './header.ts';
export { readGgufHeader } from './read-header.ts';

/**
 * Reads the headers of a model's files and checks everything that can be checked without the weights. llama.cpp would
 * abort the process on some of what is rejected here.
 *
 * @param files Absolute paths of all parts, in order.
 * @param options.adapters Absolute paths of LoRA adapters with which the model is to be loaded.
 * @throws HostError `MODEL_REJECTED` with `{file, expected, found}`; `MODEL_NOT_DOWNLOADED` if a file is missing; the
 *   signal's reason when aborted.
 */
export async function inspectModel(
  files: readonly string[],
  { signal, adapters = [] }: { signal?: AbortSignal | undefined; adapters?: readonly string[] } = {},
): Promise<InspectedModel> {
  const headers: GgufHeader[] = [];
  for (const file of files) headers.push(await inspectFile(file, signal));
  const model = { files, ...inspectHeaders(headers) };
  const [first, ...others] = headers;
  if (first === undefined || adapters.length === 0) return model;
  const added: AdapterShape[] = [];
  for (const file of adapters)
    added.push(checkAdapter(await inspectFile(file, signal), [first, ...others], model.shape));
  return { ...model, shape: { ...model.shape, adapters: combined(added) } };
}

/**
 * Checks the headers of a model's files, read from local files or from a hub, in order.
 *
 * @throws HostError `MODEL_REJECTED` for what {@link inspectModel} rejects.
 */
export function inspectHeaders(headers: readonly GgufHeader[]): Pick<InspectedModel, 'shape' | 'abilities'> {
  const [first] = headers;
  if (first === undefined) throw new RangeError('Expected at least one file');
  checkParts(headers);
  const tensorNames = headers.flatMap(({ tensors }) => tensors.map(({ name }) => name));
  checkModel(first, tensorNames);
  return { shape: modelShape(headers), abilities: modelAbilities(first, tensorNames) };
}

async function inspectFile(file: string, signal: AbortSignal | undefined): Promise<GgufHeader> {
  try {
    const source = await openFileSource(file);
    try {
      return await readGgufHeader(source, { signal, file });
    } finally {
      await source.close();
    }
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) {
      throw new HostError('MODEL_NOT_DOWNLOADED', `The model file ${file} does not exist. Download the model again.`, {
        details: { file },
        cause: error,
      });
    }
    if (isSystemError(error, 'EISDIR', 'EACCES', 'EPERM', 'EIO')) {
      const reject = rejection(file);
      throw reject(`it cannot be read (${error.code})`, {
        expected: 'a readable file',
        found: error.code ?? '',
      });
    }
    throw error;
  }
}

/** Checks that the parts belong to one model and are in order. The rules are those of llama.cpp's loader. */
function checkParts(headers: readonly GgufHeader[]): void {
  const names = new Set<string>();
  headers.forEach((header, index) => {
    const reject = rejection(header.file);
    const count = numberOf(header, 'split.count') ?? 1;
    if ((index === 0 || headers.length > 1) && Math.max(1, count) !== headers.length) {
      throw reject(`it is one of ${count} parts, but only ${headers.length} are present`, {
        expected: `${count} parts`,
        found: headers.length,
      });
    }
    const part = numberOf(header, 'split.no') ?? 0;
    if (headers.length > 1 && part !== index) {
      throw reject(`it is part ${part + 1}, but part ${index + 1} is expected here`, {
        expected: index,
        found: part,
      });
    }
    for (const { name } of header.tensors) {
      if (names.has(name)) {
        throw reject(`tensor ${name} also occurs in an earlier part`, { expected: 'each tensor once', found: name });
      }
      names.add(name);
    }
  });
  const [first] = headers;
  const claimed = first === undefined ? undefined : numberOf(first, 'split.tensors.count');
  if (first !== undefined && headers.length > 1 && claimed !== names.size) {
    throw rejection(first.file)(`its parts should contain ${claimed} tensors, but contain ${names.size}`, {
      expected: claimed ?? 'split.tensors.count',
      found: names.size,
    });
  }
}
