import { open } from 'node:fs/promises';
import { type LlamaShape, llamaMetadata, llamaTensors, sentencePiece, vocabulary } from './llama-parts.ts';
import { ggufFront, tensorSize } from './write-gguf.ts';

const MiB = 1024 * 1024;

/** Size of a write, in bytes. */
const BLOCK = 4 * MiB;

/**
 * Writes an F16 model of the architecture `llama` and about `megabytes` MiB. Its weights are small random numbers
 * (about ±0.01), so it loads and runs like a real model. The same seed results in the same file.
 */
export async function largeModel(path: string, options: { megabytes: number; seed: number }): Promise<void> {
  const shape: LlamaShape = {
    layers: 1,
    embedding: 1024,
    heads: 16,
    kvHeads: 4,
    feedForward: 2816,
    vocabulary: 4096,
    contextLength: 2048,
  };
  const sizeOf = (layers: number) =>
    llamaTensors({ ...shape, layers }, 'F16').reduce((sum, tensor) => sum + tensorSize(tensor).bytes, 0);
  const layerBytes = sizeOf(2) - sizeOf(1);
  const layers = Math.max(1, Math.round((options.megabytes * MiB - sizeOf(0)) / layerBytes));
  const whole = { ...shape, layers };
  const tensors = llamaTensors(whole, 'F16');
  const pieces = Array.from({ length: shape.vocabulary - vocabulary([]).length }, (_, i) => `▁w${i}`);
  const F16_FILE = 1;
  const header = ggufFront({
    metadata: { ...llamaMetadata('Large', whole, F16_FILE), ...sentencePiece(vocabulary(pieces)) },
    tensors,
  });

  const block = randomHalves(BLOCK, options.seed);
  const ones = Buffer.from(new Float32Array(shape.embedding).fill(1).buffer);
  const file = await open(path, 'w');
  try {
    await file.write(header);
    for (const tensor of tensors) {
      const { bytes, padding } = tensorSize(tensor);
      const source = tensor.type === 'F32' ? ones : block;
      for (let left = bytes; left > 0; left -= source.length) await file.write(source.subarray(0, left));
      if (padding > 0) await file.write(Buffer.alloc(padding));
    }
  } finally {
    await file.close();
  }
}

/** Returns F16 numbers between 2^-8 and 2^-7 with both signs, from Marsaglia's xorshift32. */
function randomHalves(bytes: number, seed: number): Buffer {
  const halves = new Uint16Array(bytes / 2);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < halves.length; i++) {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    const signAndFraction = state & 0x83ff;
    const exponent = 7;
    halves[i] = signAndFraction | (exponent << 10);
  }
  return Buffer.from(halves.buffer);
}
