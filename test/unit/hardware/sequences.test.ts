import { describe, expect, it } from '@jest/globals';
import type { ModelShape } from '../../../host/gguf/model.ts';
import { demandOf } from '../../../host/hardware/demand.ts';
import { checkFit } from '../../../host/hardware/fit.ts';
import { MINIMUM_RESERVE } from '../../../host/hardware/memory-budget.ts';
import { chooseSequences } from '../../../host/hardware/sequences.ts';
import type { HardwareSnapshot } from '../../../host/hardware/types.ts';
import { plainAttention } from '../../support/gguf/plain-attention.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

const SHAPE: ModelShape = {
  architecture: 'llama',
  name: undefined,
  quantization: 'Q4_K_M',
  modelType: 'gguf',
  vocabSize: 128_256,
  embeddingDim: 4096,
  feedForwardDim: 14_336,
  trainContextSize: 131_072,
  layerBytes: new Array<number>(32).fill(128e6),
  usedLayerBytes: new Array<number>(32).fill(128e6),
  inputBytes: 295e6,
  outputBytes: 431e6,
  ...plainAttention(new Array<number>(32).fill(4096)),
  keyLength: 128,
  valueLength: 128,
  fileBytes: 4.9e9,
};
const SETTINGS = { contextSize: 8192 };

function withMemory(available: number): HardwareSnapshot {
  const [recorded] = RECORDED_CPUS;
  if (recorded === undefined) throw new Error('No CPU is recorded');
  const { facts, microarchitecture, variant } = recorded;
  return { cpu: { ...facts, microarchitecture, variant }, gpus: [], memory: { total: 256e9, available } };
}

/** Returns twice the memory that a load with this many sequences requires. */
function twiceTheNeedOf(sequences: number): number {
  const { needed } = checkFit(demandOf(SHAPE, { ...SETTINGS, sequences }), 0, withMemory(256e9));
  return 2 * needed.ram + MINIMUM_RESERVE.ram;
}

describe('chooseSequences', () => {
  it.each([
    [4, twiceTheNeedOf(4)],
    [2, twiceTheNeedOf(4) - 4],
    [2, twiceTheNeedOf(2)],
    [1, twiceTheNeedOf(2) - 4],
    [1, 0],
  ])('chooses %i with %i bytes of available memory', (sequences, available) => {
    expect(chooseSequences(SHAPE, SETTINGS, { gpuLayers: 0, snapshot: withMemory(available) })).toBe(sequences);
  });
});
