import { describe, expect, it } from '@jest/globals';
import type { ModelShape } from '../../../host/gguf/model.ts';
import { demandOf, memoryFor } from '../../../host/hardware/demand.ts';
import { plainAttention } from '../../support/gguf/plain-attention.ts';

/** Three layers with weights of 100, 200 and 400 bytes, and 1, 2 and 4 bytes of keys and values for a token. */
const SHAPE: ModelShape = {
  architecture: 'llama',
  name: undefined,
  quantization: 'F16',
  modelType: 'gguf',
  vocabSize: 10,
  embeddingDim: 2,
  feedForwardDim: 7,
  trainContextSize: 100,
  layerBytes: [100, 200, 400],
  usedLayerBytes: [100, 200, 400],
  inputBytes: 5000,
  outputBytes: 7000,
  ...plainAttention([1, 2, 4]),
  keyLength: 32,
  valueLength: 32,
  fileBytes: 12_700,
};

/** One step of llama.cpp's context lengths, tokens: keys and values need 256, 512 and 1024 bytes. */
const CONTEXT = 256;

describe('memoryFor', () => {
  const demand = demandOf(SHAPE, { contextSize: CONTEXT });
  const { compute, computeBesideGpu: beside } = demand;

  it('counts the last layers with their keys and values and the output on the GPU, and the others in main memory', () => {
    expect(memoryFor(demand, 1, 1)).toEqual({ vram: 1424 + 7000 + compute, ram: 5000 + 356 + 712 + beside });
    expect(memoryFor(demand, 2, 1)).toEqual({ vram: 712 + 1424 + 7000 + compute, ram: 5000 + 356 + beside });
  });

  it('never counts the input on the GPU', () => {
    expect(memoryFor(demand, 3, 1)).toEqual({ vram: 2492 + 7000 + compute, ram: 5000 + beside });
    expect(memoryFor(demand, 99, 1)).toEqual(memoryFor(demand, 3, 1));
  });

  it('counts everything in main memory without layers on a GPU', () => {
    expect(memoryFor(demand, 0, 0)).toEqual({ vram: 0, ram: 5000 + 2492 + 7000 + compute });
  });

  it('counts compute buffers on each of several GPUs', () => {
    expect(memoryFor(demand, 2, 3).vram - memoryFor(demand, 2, 1).vram).toBe(2 * compute);
  });

  it('counts tied embeddings twice if the output layer is on the GPU', () => {
    const tied = demandOf({ ...SHAPE, outputBytes: 8 }, { contextSize: CONTEXT });
    expect(memoryFor(tied, 3, 1)).toEqual({ vram: 2492 + 5008 + compute, ram: 5000 + beside });
    expect(memoryFor(tied, 0, 0).ram).toBe(5000 + 2492 + 8 + compute);
  });

  it('grows with the context in steps', () => {
    const at = (contextSize: number) => memoryFor(demandOf(SHAPE, { contextSize }), 0, 0).ram;
    expect(at(4096) - at(2048)).toBe(2048 * demandOf(SHAPE, { contextSize: 2048 }).perContextToken);
    expect(at(2049)).toBe(at(2304));
  });

  it('grows with the batch size, limited by the context', () => {
    const of = (batchSize?: number) => demandOf(SHAPE, { contextSize: 2048, batchSize }).compute;
    expect(of(1024)).toBe(2 * of(512));
    expect(of()).toBe(of(512));
    expect(of(65_536)).toBe(of(2048));
  });

  it('decreases with smaller types of keys and values', () => {
    const kv = (types: { cacheTypeK?: 'q8_0'; cacheTypeV?: 'q4_0' | 'f32' }) =>
      (memoryFor(demandOf(SHAPE, { contextSize: 256, ...types }), 0, 0).ram - memoryFor(demand, 0, 0).ram) / (7 * 256) +
      1;
    expect(kv({ cacheTypeK: 'q8_0' })).toBeCloseTo((17 / 32 + 1) / 2);
    expect(kv({ cacheTypeK: 'q8_0', cacheTypeV: 'q4_0' })).toBeCloseTo((17 / 32 + 9 / 32) / 2);
    expect(kv({ cacheTypeV: 'f32' })).toBeCloseTo(1.5);
  });
});
