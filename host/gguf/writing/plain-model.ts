import { open } from 'node:fs/promises';
import { type LlamaShape, llamaMetadata, llamaTensors, sentencePiece, vocabulary } from './llama-parts.ts';
import { ggufFront, tensorSize } from './write-gguf.ts';

const SHAPE: Omit<LlamaShape, 'layers'> = {
  embedding: 1024,
  heads: 16,
  kvHeads: 4,
  feedForward: 2816,
  vocabulary: vocabulary([]).length,
  contextLength: 512,
};

/**
 * Writes a model with zero weights to `path`, as a sparse file that uses almost no disk space. It takes as long to
 * evaluate as any other model of its size.
 *
 * @param type Type of the matrices, such as `F16`.
 * @returns Size of the weights, in bytes.
 */
export async function writePlainModel(
  path: string,
  { type, layers }: { type: string; layers: number },
): Promise<number> {
  const shape = { ...SHAPE, layers };
  const tensors = llamaTensors(shape, type);
  const front = ggufFront({
    metadata: { ...llamaMetadata('Plain', shape, 1), ...sentencePiece(vocabulary([])) },
    tensors,
  });
  const bytes = tensors.reduce((total, tensor) => {
    const size = tensorSize(tensor);
    return total + size.bytes + size.padding;
  }, 0);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.write(front);
    await file.truncate(front.length + bytes);
  } finally {
    await file.close();
  }
  return bytes;
}
