import { describe, expect, it } from '@jest/globals';
import type { ModelShape } from '../../../host/gguf/model.ts';
import { cpuSpeed, tokensPerSecond, usedShareByName, workOf } from '../../../host/hardware/token-speed.ts';

const SPEED = { plain: 20e9, quantized: 10e9 };

describe('tokensPerSecond', () => {
  it('reads all weights once for each token', () => {
    const work = { quantization: 'F16', bytes: 2e9, gpuShare: 0, layers: 0 };
    expect(tokensPerSecond(work, SPEED)).toBeCloseTo(10);
    expect(tokensPerSecond({ ...work, quantization: 'Q4_0' }, SPEED)).toBeCloseTo(5);
  });

  it('adds the time of each layer', () => {
    const work = { quantization: 'F16', bytes: 1e9, gpuShare: 0, layers: 1000 };
    expect(tokensPerSecond(work, SPEED)).toBeCloseTo(1 / (0.05 + 0.03));
  });

  it('adds the times of CPU and GPU', () => {
    const work = { quantization: 'F16', bytes: 2e9, gpuShare: 0.5, layers: 0 };
    expect(tokensPerSecond(work, { ...SPEED, gpu: 100e9 })).toBeCloseTo(1 / (0.05 + 0.01));
    expect(tokensPerSecond(work, SPEED)).toBeUndefined();
  });
});

describe('workOf', () => {
  it('counts layers with experts twice', () => {
    const shape = {
      quantization: 'F16',
      layerBytes: [4, 4, 4],
      usedLayerBytes: [4, 1, 1],
      outputBytes: 2,
      inputBytes: 2,
    };
    const work = workOf(shape as unknown as ModelShape, 0);
    expect(work).toEqual({ quantization: 'F16', bytes: 8, gpuShare: 0, layers: 5 });
  });
});

describe('cpuSpeed', () => {
  it.each([
    ['BF16', 20e9],
    ['Q8_0', 12e9],
    ['Q4_K_M', 10e9],
    ['Q5_K_S', 8e9],
    ['Q6_K', 11e9],
    ['IQ2_XS', 6e9],
    ['unknown', 10e9],
  ])('of %s weights is %d', (quantization, expected) => {
    expect(cpuSpeed(quantization, SPEED)).toBeCloseTo(expected);
  });

  it('never exceeds the memory bandwidth', () => {
    expect(cpuSpeed('Q8_0', { plain: 11e9, quantized: 10e9 })).toBe(11e9);
  });
});

describe('usedShareByName', () => {
  it.each([
    ['Qwen/Qwen3-30B-A3B-GGUF', 0.1],
    ['Qwen3-235B-A22B-Q4_K_M.gguf', 22 / 235],
    ['Qwen3-8B', 1],
    ['AB-3B-A', 1],
    ['x-3B-A30B', 1],
  ])('of %s is %d', (name, expected) => {
    expect(usedShareByName(name)).toBeCloseTo(expected);
  });
});
