import { describe, expect, it } from '@jest/globals';
import { budgetOf } from '../../../host/engine/budget.ts';
import type { InspectedModel, ModelShape } from '../../../host/gguf/model.ts';
import { demandOf, memoryFor } from '../../../host/hardware/demand.ts';
import { plainAttention } from '../../support/gguf/plain-attention.ts';

const GB = 1e9;
const layers = 80;

/** A model of 70 billion parameters in 4 bits. */
const SHAPE: ModelShape = {
  architecture: 'llama',
  name: undefined,
  quantization: 'Q4_K_M',
  modelType: 'gguf',
  vocabSize: 128_256,
  embeddingDim: 8192,
  feedForwardDim: 28_672,
  trainContextSize: 131_072,
  layerBytes: new Array<number>(layers).fill((40 * GB) / layers),
  usedLayerBytes: new Array<number>(layers).fill((40 * GB) / layers),
  inputBytes: 0.6 * GB,
  outputBytes: 0.9 * GB,
  ...plainAttention(new Array<number>(layers).fill(4096)),
  keyLength: 128,
  valueLength: 128,
  fileBytes: 41.5 * GB,
};
const model = { files: ['/models/a/b/large.gguf'], shape: SHAPE } as unknown as InspectedModel;
const SETTINGS = { gpuLayers: 0, contextSize: 8192, threads: 4 };
const minutes = (ms: number) => ms / 60_000;

describe("the limits of a model's process", () => {
  it('allow 1.5 times the estimated memory of its load, on any device', () => {
    for (const gpuLayers of [0, 40, 81]) {
      const { ram, vram } = memoryFor(demandOf(SHAPE, SETTINGS), gpuLayers, 1);
      const { memoryBytes } = budgetOf(model, { ...SETTINGS, gpuLayers });
      expect(memoryBytes).toBeGreaterThan(1.5 * (ram + vram) + 1e9);
      expect(memoryBytes).toBeLessThan(1.5 * (ram + vram) + 2e9);
    }
  });

  it('allow reading a large model from a slow disk, for the load and for every step', () => {
    const { loadMs, stepMs } = budgetOf(model, SETTINGS);
    // A hard disk reads 100 MB/s: 7 minutes for this file, during which llama.cpp reports nothing.
    expect(minutes(loadMs)).toBeGreaterThan(20);
    expect(minutes(stepMs({ kind: 'evaluate', size: 1 }))).toBeGreaterThan(20);
  });

  it('allow an old CPU to evaluate a batch of 512 tokens of a model of 4 GB, at 8 seconds per token', () => {
    const small = { ...model, shape: { ...SHAPE, fileBytes: 4 * GB } };
    expect(minutes(budgetOf(small, SETTINGS).stepMs({ kind: 'evaluate', size: 512 }))).toBeGreaterThan((512 * 8) / 60);
  });

  it('allow a driver minutes to compile its kernels', () => {
    const steps = budgetOf(model, { ...SETTINGS, gpuLayers: 81 });
    expect(minutes(steps.stepMs({ kind: 'context', size: 512 }))).toBeGreaterThan(10);
  });

  it('are short for a small model', () => {
    const small = { ...model, shape: { ...SHAPE, fileBytes: 1e6 } };
    const { stepMs } = budgetOf(small, SETTINGS);
    expect(minutes(stepMs({ kind: 'tokenize', size: 1_000 }))).toBeLessThan(1);
    expect(minutes(stepMs({ kind: 'evaluate', size: 32 }))).toBeLessThan(2);
  });

  it('name the file without its folder', () => {
    expect(budgetOf(model, SETTINGS).file).toBe('large.gguf');
  });
});
