import { describe, expect, it } from '@jest/globals';
import type { ModelShape } from '../../../host/gguf/model.ts';
import { demandOf, placed } from '../../../host/hardware/demand.ts';

/** Three layers with weights of 100, 200 and 400 bytes, and 1, 2 and 4 bytes of keys and values for a token. */
const SHAPE: ModelShape = {
  architecture: 'llama',
  name: undefined,
  quantization: 'F16',
  modelType: 'gguf',
  vocabSize: 10,
  embeddingDim: 2,
  trainContextSize: 100,
  layerBytes: [100, 200, 400],
  inputBytes: 5000,
  outputBytes: 7000,
  kvBytesPerToken: [1, 2, 4],
  fileBytes: 12_700,
};

describe('the bytes of a split', () => {
  const demand = demandOf(SHAPE, 10);
  const { compute } = demand;

  it('are those of the last layers on the GPU, with their keys and values, and of the others in main memory', () => {
    expect(placed(demand, 1, 1)).toEqual({ vram: 440 + compute, ram: 5000 + 110 + 220 + 7000 + compute });
    expect(placed(demand, 2, 1)).toEqual({ vram: 220 + 440 + compute, ram: 5000 + 110 + 7000 + compute });
  });

  it('have the output layer on the GPU when all layers are, and the input never', () => {
    expect(placed(demand, 3, 1)).toEqual({ vram: 770 + 7000 + compute, ram: 5000 });
    expect(placed(demand, 99, 1)).toEqual(placed(demand, 3, 1));
  });

  it('are all in main memory with no layer on a GPU', () => {
    expect(placed(demand, 0, 0)).toEqual({ vram: 0, ram: 5000 + 770 + 7000 + compute });
  });

  it('have working memory on each of several GPUs', () => {
    expect(placed(demand, 2, 3).vram - placed(demand, 2, 1).vram).toBe(2 * compute);
  });

  it('have embeddings that serve as output layer twice when that is on the GPU', () => {
    const tied = demandOf({ ...SHAPE, outputBytes: 8 }, 10);
    expect(placed(tied, 3, 1)).toEqual({ vram: 770 + 5008 + compute, ram: 5000 });
    expect(placed(tied, 0, 0).ram).toBe(5000 + 770 + 8 + compute);
  });

  it('grow with the context', () => {
    const longer = demandOf(SHAPE, 11);
    expect(placed(longer, 0, 0).ram - placed(demand, 0, 0).ram).toBe(demand.perContextToken);
  });
});
