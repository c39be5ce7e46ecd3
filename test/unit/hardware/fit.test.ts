import { describe, expect, it } from '@jest/globals';
import type { ModelShape } from '../../../host/gguf/model.ts';
import { demandOf } from '../../../host/hardware/demand.ts';
import { checkFit } from '../../../host/hardware/fit.ts';
import { MINIMUM_RESERVE, withFreed, withoutMapped } from '../../../host/hardware/memory-budget.ts';
import { offloadOptions } from '../../../host/hardware/offload-options.ts';
import { recommendSplit } from '../../../host/hardware/split.ts';
import type { GpuInfo, HardwareSnapshot } from '../../../host/hardware/types.ts';
import { findAlternatives } from '../../../host/hardware/would-fit.ts';
import { plainAttention } from '../../support/gguf/plain-attention.ts';
import { Seeded } from '../../support/gguf/seeded.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

const GB = 1e9;
const GiB = 1024 ** 3;

/** Llama 3.1 8B in Q4_K_M. */
const LLAMA: ModelShape = {
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

function machine(available: number, vram = 0): HardwareSnapshot {
  const [recorded] = RECORDED_CPUS.filter((one) => one.machine === 'i9-13900K');
  if (recorded === undefined) throw new Error('The CPU is not recorded');
  const { facts, microarchitecture, variant } = recorded;
  const gpu: GpuInfo = {
    name: 'NVIDIA RTX',
    vendor: 'nvidia',
    totalVram: vram,
    availableVram: vram,
    sharedMemory: false,
  };
  return {
    cpu: { ...facts, microarchitecture, variant },
    gpus: vram > 0 ? [gpu] : [],
    memory: { total: 64 * GB, available },
  };
}

const settings = { contextSize: 8192 };

describe('checkFit', () => {
  it('accepts a load that barely fits, and rejects it with one byte less', () => {
    const { needed } = checkFit(demandOf(LLAMA, settings), 0, machine(64 * GB));
    expect(needed.ram).toBeGreaterThan(LLAMA.fileBytes + 8192 * 32 * 4096);
    const least = needed.ram + MINIMUM_RESERVE.ram;
    expect(checkFit(demandOf(LLAMA, settings), 0, machine(least)).fits).toBe(true);
    expect(checkFit(demandOf(LLAMA, settings), 0, machine(least - 1))).toMatchObject({
      fits: false,
      needed: { ram: needed.ram, vram: 0 },
      available: { ram: needed.ram - 1, vram: 0 },
    });
  });

  it('counts GPU layers as main memory if no GPU can be used', () => {
    expect(checkFit(demandOf(LLAMA, settings), 33, machine(64 * GB)).needed).toEqual(
      checkFit(demandOf(LLAMA, settings), 0, machine(64 * GB)).needed,
    );
  });

  it('rejects GPU layers that exceed the GPU memory, regardless of main memory', () => {
    const fit = checkFit(demandOf(LLAMA, settings), 33, machine(64 * GB, 4 * GiB));
    expect([fit.fits, fit.needed.vram > fit.available.vram, fit.needed.ram < fit.available.ram]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('memory of loaded models', () => {
  it('is subtracted on Linux, where mapped weights count as available', () => {
    const linux = machine(20 * GB);
    expect(withoutMapped(linux, 5 * GB).memory).toEqual({ total: 64 * GB, available: 15 * GB });
    expect(withoutMapped(linux, 50 * GB).memory.available).toBe(0);
    const windows = { ...linux, cpu: { ...linux.cpu, platform: 'win32' } };
    expect(withoutMapped(windows, 5 * GB)).toBe(windows);
  });

  it('is added back when they are unloaded, up to the total', () => {
    const freed = withFreed(machine(20 * GB, 8 * GB), { ram: 5 * GB, vram: 2 * GB });
    expect([freed.memory.available, freed.gpus[0]?.availableVram]).toEqual([25 * GB, 8 * GB]);
  });
});

describe('findAlternatives', () => {
  it('proposes fewer layers on the GPU if that is enough', () => {
    const snapshot = machine(32 * GB, 4 * GiB);
    const [only, ...others] = findAlternatives({ shape: LLAMA, settings, gpuLayers: 33, snapshot });
    expect(others).toEqual([]);
    expect(only?.n_gpu_layers).toBe(recommendSplit({ shape: LLAMA, ...settings, snapshot }).gpuLayers);
    expect(only).toMatchObject({ n_ctx: 8192, note: expect.stringMatching(/^\d+ instead of 33 layers on the GPU/) });
  });

  it('proposes a quantized cache with the requested context, and the longest context without one', () => {
    const proposals = findAlternatives({
      shape: LLAMA,
      settings: { contextSize: 131_072 },
      gpuLayers: 0,
      snapshot: machine(17 * GB),
    });
    expect(proposals).toMatchObject([
      { n_ctx: 131_072, cache_type_k: 'q8_0', cache_type_v: 'q8_0' },
      { n_gpu_layers: 0, n_ctx: 65_536, note: 'a context of 65536 instead of 131072 tokens' },
    ]);
  });

  it('proposes no quantized cache if the head size is not a multiple of the block size', () => {
    const proposals = findAlternatives({
      shape: { ...LLAMA, keyLength: 80, valueLength: 80 },
      settings: { contextSize: 131_072 },
      gpuLayers: 0,
      snapshot: machine(17 * GB),
    });
    expect(proposals).toHaveLength(1);
  });

  it('reports the maximum file size if no context is short enough', () => {
    const proposals = findAlternatives({ shape: LLAMA, settings, gpuLayers: 0, snapshot: machine(4 * GB) });
    expect(proposals).toEqual([
      { note: expect.stringMatching(/quantization of at most 3\.\d GB \(this file: 4\.9 GB\)/) },
    ]);
    expect(findAlternatives({ shape: LLAMA, settings, gpuLayers: 0, snapshot: machine(0.1 * GB) })).toEqual([
      { note: 'a much smaller model' },
    ]);
  });

  it('proposes nothing that would be rejected', () => {
    const random = new Seeded(7);
    for (let i = 0; i < 300; i++) {
      const snapshot = machine((1 + random.below(40)) * GB, random.below(3) * 6 * GB);
      const misfit = {
        shape: LLAMA,
        settings: { contextSize: 1 + random.below(16 * 1024 * 1024) },
        gpuLayers: random.below(34),
        snapshot,
      };
      if (checkFit(demandOf(LLAMA, misfit.settings), misfit.gpuLayers, snapshot).fits) continue;
      const proposals = findAlternatives(misfit);
      expect(proposals.length).toBeGreaterThan(0);
      for (const { n_ctx, n_gpu_layers, cache_type_k, cache_type_v } of proposals) {
        if (n_ctx === undefined || n_gpu_layers === undefined) continue;
        const demand = demandOf(LLAMA, { contextSize: n_ctx, cacheTypeK: cache_type_k, cacheTypeV: cache_type_v });
        expect([i, misfit.settings, n_ctx, checkFit(demand, n_gpu_layers, snapshot).fits]).toEqual([
          i,
          misfit.settings,
          n_ctx,
          true,
        ]);
      }
    }
  });
});

describe('offloadOptions', () => {
  const ways = (available: number, vram: number) =>
    offloadOptions(LLAMA, settings, machine(available, vram)).map(({ strategy, gpuLayers, cpuLayers }) => {
      expect(gpuLayers + cpuLayers).toBe(LLAMA.layerBytes.length);
      return strategy;
    });

  it('lists all, some and no layers on the GPU if they fit, fastest first', () => {
    expect(ways(64 * GB, 24 * GB)).toEqual(['full_vram', 'full_ram']);
    expect(ways(64 * GB, 4 * GiB)).toEqual(['hybrid', 'full_ram']);
    expect(ways(64 * GB, 0)).toEqual(['full_ram']);
    expect(ways(1 * GB, 24 * GB)).toEqual(['full_vram']);
    expect(ways(1 * GB, 0)).toEqual([]);
  });
});
