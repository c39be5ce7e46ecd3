import { type GgufSpec, type TensorSpec, type Value, writeGguf } from './write-gguf.ts';

/**
 * Splits a model into several files, as llama.cpp's gguf-split does: the first has all metadata, and each has a share
 * of the tensors. Returns the files by name.
 */
export function splitGguf(
  stem: string,
  spec: GgufSpec<TensorSpec & { readonly data: Uint8Array }>,
  count: number,
): Map<string, Buffer> {
  const { tensors } = spec;
  const share = Math.ceil(tensors.length / count);
  const pad = (n: number) => String(n).padStart(5, '0');
  const number = (type: 'uint16' | 'int32', value: number): Value => ({ type, value });
  return new Map(
    Array.from({ length: count }, (_, part) => {
      const metadata = {
        ...(part === 0 ? spec.metadata : {}),
        'split.no': number('uint16', part),
        'split.count': number('uint16', count),
        'split.tensors.count': number('int32', tensors.length),
      };
      const bytes = writeGguf({ ...spec, metadata, tensors: tensors.slice(part * share, (part + 1) * share) });
      return [`${stem}-${pad(part + 1)}-of-${pad(count)}.gguf`, bytes];
    }),
  );
}
