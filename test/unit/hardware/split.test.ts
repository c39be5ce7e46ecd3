import { describe, expect, it } from '@jest/globals';
import type { ModelShape } from '../../../host/gguf/model.ts';
import { chooseContextSize, DEFAULT_CONTEXT, recommendSplit } from '../../../host/hardware/split.ts';
import type { CpuInfo, GpuInfo, HardwareSnapshot } from '../../../host/hardware/types.ts';
import { plainAttention } from '../../support/gguf/plain-attention.ts';
import { Seeded } from '../../support/gguf/seeded.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

const GB = 1e9;
const GiB = 1024 ** 3;

/** A model with equal layers, as returned by `modelShape`. */
function shape(
  layers: number,
  layerBytes: number,
  { kv = 16_384, vocabSize = 32_000, embeddingDim = 4096, inputBytes = 70e6, outputBytes = 107e6 } = {},
): ModelShape {
  return {
    architecture: 'llama',
    name: undefined,
    quantization: 'Q4_K_M',
    modelType: 'gguf',
    vocabSize,
    embeddingDim,
    feedForwardDim: Math.floor(embeddingDim * 2.7),
    trainContextSize: 32_768,
    layerBytes: new Array<number>(layers).fill(layerBytes),
    usedLayerBytes: new Array<number>(layers).fill(layerBytes),
    inputBytes,
    outputBytes,
    ...plainAttention(new Array<number>(layers).fill(kv)),
    keyLength: 128,
    valueLength: 128,
    fileBytes: layers * layerBytes + inputBytes + outputBytes,
  };
}
/** Llama 2 7B and 13B in Q4_K_M. */
const LLAMA_7B = shape(32, 122e6);
const LLAMA_13B = shape(40, 190e6, { kv: 20_480, embeddingDim: 5120 });
const TINY = shape(16, 40e6, { kv: 2048 });

function cpu(machine: string): CpuInfo {
  const recorded = RECORDED_CPUS.find((one) => one.machine === machine);
  if (recorded === undefined) throw new Error(`${machine} is not recorded`);
  return { ...recorded.facts, microarchitecture: recorded.microarchitecture, variant: recorded.variant };
}

function gpu(vram: number, more: Partial<GpuInfo> = {}): GpuInfo {
  return { name: 'NVIDIA RTX', vendor: 'nvidia', totalVram: vram, availableVram: vram, sharedMemory: false, ...more };
}

function machine(ram: number, gpus: GpuInfo[] = [], of = 'i9-13900K'): HardwareSnapshot {
  return { cpu: cpu(of), gpus, memory: { total: ram * 1.25, available: ram } };
}

/** Returns a Mac whose GPU may use two thirds of the memory, with `available` bytes free. */
function mac(total: number, available: number): HardwareSnapshot {
  const vram = Math.floor((total * 2) / 3);
  const apple = { name: 'Apple M2', vendor: 'apple', sharedMemory: true } as const;
  const shared = { ...apple, totalVram: vram, availableVram: Math.min(vram, available) };
  return { cpu: cpu('M2 Pro'), gpus: [shared], memory: { total, available } };
}

describe('recommendSplit without a GPU', () => {
  it('rates a small model medium and a large one slow, both on the CPU', () => {
    const small = recommendSplit({ shape: TINY, contextSize: 2048, snapshot: machine(12 * GB) });
    expect(small).toMatchObject({ gpuLayers: 0, cpuLayers: 16, estimatedVram: 0, tier: 'medium' });
    const large = recommendSplit({ shape: LLAMA_13B, contextSize: 4096, snapshot: machine(30 * GB) });
    expect(large).toMatchObject({ gpuLayers: 0, cpuLayers: 40, estimatedVram: 0, tier: 'slow' });
    expect(large.estimatedRam).toBeGreaterThan(40 * 190e6);
  });

  it('does not rate an old CPU without AVX2 medium', () => {
    const snapshot = machine(12 * GB, [], 'Xeon E5-2690 v2');
    expect(recommendSplit({ shape: TINY, contextSize: 2048, snapshot }).tier).toBe('slow');
  });

  it('reports with sizes that a model does not fit, and what would fit', () => {
    const { tier, reason, gpuLayers } = recommendSplit({
      shape: LLAMA_13B,
      contextSize: 4096,
      snapshot: machine(4 * GB),
    });
    expect([tier, gpuLayers]).toEqual(['slow', 0]);
    expect(reason).toMatch(/needs \d+\.\d GB/);
    expect(reason).toContain('4.0 GB');
    expect(reason).toMatch(/quantization of at most \d+ %/);
  });

  it('proposes a shorter context if that is enough', () => {
    const snapshot = machine(9 * GB);
    const asked = { shape: LLAMA_7B, snapshot };
    const { reason } = recommendSplit({ ...asked, contextSize: 16_384 });
    const proposed = Number(/A context of ([\d,]+) tokens would fit/.exec(reason)?.[1]?.replace(',', ''));
    expect(proposed).toBeGreaterThan(0);
    expect(proposed).toBeLessThan(16_384);
    expect(recommendSplit({ ...asked, contextSize: proposed }).reason).not.toMatch(/, but /);
  });
});

describe('recommendSplit with a GPU', () => {
  it('places a 7B model completely on a GPU of 24 GB, which is fast', () => {
    const split = recommendSplit({ shape: LLAMA_7B, contextSize: 4096, snapshot: machine(16 * GB, [gpu(24 * GiB)]) });
    expect(split).toMatchObject({ gpuLayers: 32, cpuLayers: 0, tier: 'fast' });
    expect(split.estimatedVram).toBeGreaterThan(32 * (122e6 + 16_384 * 4096));
    expect(split.reason).toContain(`${(split.estimatedVram / 1e9).toFixed(1)} GB`);
    expect(split.reason).toContain('25.8 GB');
    expect(split.reason).toContain('NVIDIA RTX');
  });

  it('splits a 13B model between a GPU of 8 GB and the CPU', () => {
    const split = recommendSplit({ shape: LLAMA_13B, contextSize: 4096, snapshot: machine(32 * GB, [gpu(8 * GiB)]) });
    expect(split.gpuLayers).toBeGreaterThan(10);
    expect(split.gpuLayers).toBeLessThan(40);
    expect(split.tier).toBe(split.gpuLayers >= 20 ? 'medium' : 'slow');
    expect(split.reason).toContain(`${split.gpuLayers} of 40 layers`);
    expect(split.reason).toContain(`${(split.estimatedRam / 1e9).toFixed(1)} GB`);
  });

  it('uses the free VRAM, not the total VRAM', () => {
    const full = machine(16 * GB, [gpu(24 * GiB, { availableVram: 0.5 * GiB })]);
    expect(recommendSplit({ shape: LLAMA_7B, contextSize: 4096, snapshot: full }).gpuLayers).toBe(0);
  });

  it('uses two GPUs together', () => {
    const snapshot = machine(16 * GB, [gpu(6 * GiB), gpu(6 * GiB)]);
    const two = recommendSplit({ shape: LLAMA_13B, contextSize: 2048, snapshot });
    const one = recommendSplit({ shape: LLAMA_13B, contextSize: 2048, snapshot: machine(16 * GB, [gpu(6 * GiB)]) });
    expect(two.gpuLayers).toBeGreaterThan(one.gpuLayers);
    expect(two.reason).toContain('2 GPUs');
  });

  it('does not use integrated graphics, which are not faster', () => {
    const uhd = gpu(8 * GiB, { name: 'Intel UHD', vendor: 'intel', sharedMemory: true });
    const split = recommendSplit({ shape: TINY, contextSize: 2048, snapshot: machine(16 * GB, [uhd]) });
    expect(split.gpuLayers).toBe(0);
    const beside = machine(16 * GB, [uhd, gpu(24 * GiB)]);
    expect(recommendSplit({ shape: TINY, contextSize: 2048, snapshot: beside })).toMatchObject({
      gpuLayers: 16,
      tier: 'fast',
    });
  });
});

describe('recommendSplit with shared memory', () => {
  it('places a model that fits on the GPU of a Mac, and counts the memory once', () => {
    const fits = recommendSplit({ shape: LLAMA_7B, contextSize: 4096, snapshot: mac(16 * GiB, 11 * GiB) });
    expect(fits).toMatchObject({ gpuLayers: 32, tier: 'fast' });
    // A model of 8.2 GB. GPU and RAM would have 5.4 GB each if they were separate.
    const tight = recommendSplit({ shape: LLAMA_13B, contextSize: 2048, snapshot: mac(8 * GiB, 6 * GiB) });
    expect(tight.tier).toBe('slow');
    expect(tight.reason).toMatch(/but only 6\.4 GB of memory is free/);
  });

  it('never recommends fewer layers for more memory, with large tied embeddings', () => {
    // Like Gemma: a vocabulary of 262,144 tokens with embeddings tied to the output layer.
    const tied = shape(26, 25e6, {
      kv: 1024,
      vocabSize: 262_144,
      embeddingDim: 1152,
      inputBytes: 900e6,
      outputBytes: 5e3,
    });
    for (const available of [3.2, 3.4, 3.6, 3.8, 4, 5].map((size) => size * GiB)) {
      let before = 0;
      for (let total = available; total <= 16 * GiB; total += GiB / 16) {
        const { gpuLayers } = recommendSplit({ shape: tied, contextSize: 512, snapshot: mac(total, available) });
        expect([total, gpuLayers]).toEqual([total, Math.max(before, gpuLayers)]);
        before = gpuLayers;
      }
    }
  });
});

describe.each([1, 2, 3])('recommendSplit on random models (seed %i)', (seed) => {
  const random = new Seeded(seed);
  const cases = Array.from({ length: 150 }, () => {
    const layers = 1 + random.below(100);
    const inputBytes = random.below(2e9);
    const model = shape(layers, 1e6 + random.below(800e6), {
      kv: random.below(65_536),
      vocabSize: 1 + random.below(262_144),
      embeddingDim: 64 + random.below(16_384),
      inputBytes,
      outputBytes: random.pick([0, 4096, inputBytes]),
    });
    const uneven = model.layerBytes.map((bytes) => Math.round(bytes * (0.5 + random.below(100) / 100)));
    return {
      shape: { ...model, layerBytes: uneven },
      contextSize: 1 + random.below(131_072),
      ram: random.below(128e9),
      vram: random.below(80e9),
      shared: random.below(4) === 0,
    };
  });
  const snapshotOf = (one: (typeof cases)[number], vram = one.vram, ram = one.ram) =>
    one.shared ? mac(ram * 1.5, ram) : machine(ram, [gpu(vram)]);

  it('assigns every layer, and estimates whole bytes', () => {
    for (const one of cases) {
      const split = recommendSplit({ ...one, snapshot: snapshotOf(one) });
      expect(split.gpuLayers + split.cpuLayers).toBe(one.shape.layerBytes.length);
      expect(Math.min(split.gpuLayers, split.cpuLayers)).toBeGreaterThanOrEqual(0);
      for (const bytes of [split.estimatedVram, split.estimatedRam]) {
        expect(Number.isSafeInteger(bytes) && bytes >= 0).toBe(true);
      }
      expect(split.estimatedVram === 0).toBe(split.gpuLayers === 0);
    }
  });

  it('never exceeds the VRAM, or in total the shared memory', () => {
    for (const one of cases) {
      const { estimatedVram, estimatedRam, gpuLayers } = recommendSplit({ ...one, snapshot: snapshotOf(one) });
      expect(estimatedVram).toBeLessThanOrEqual(one.shared ? one.ram : one.vram);
      if (one.shared && gpuLayers > 0) expect(estimatedVram + estimatedRam).toBeLessThanOrEqual(one.ram);
    }
  });

  it('counts all weights exactly once', () => {
    for (const one of cases) {
      const { estimatedVram, estimatedRam } = recommendSplit({ ...one, snapshot: snapshotOf(one) });
      expect(estimatedVram + estimatedRam).toBeGreaterThanOrEqual(
        one.shape.layerBytes.reduce((sum, bytes) => sum + bytes, one.shape.inputBytes + one.shape.outputBytes),
      );
    }
  });

  it('never recommends fewer layers for more VRAM or shared memory', () => {
    for (const one of cases) {
      let before = 0;
      for (let step = 0; step < 12; step++) {
        const more = 1 + step * 0.25;
        const snapshot = snapshotOf(one, one.vram * more, one.shared ? one.ram * more : one.ram);
        const { gpuLayers } = recommendSplit({ ...one, snapshot });
        expect(gpuLayers).toBeGreaterThanOrEqual(before);
        before = gpuLayers;
      }
    }
  });

  it('never recommends more layers for a longer context', () => {
    for (const one of cases) {
      let before = Number.POSITIVE_INFINITY;
      for (const contextSize of [1, 512, 4096, 32_768, 131_072, 1_048_576]) {
        const { gpuLayers } = recommendSplit({ ...one, contextSize, snapshot: snapshotOf(one) });
        expect(gpuLayers).toBeLessThanOrEqual(before);
        before = gpuLayers;
      }
    }
  });

  it('is fast only if everything is on the GPU', () => {
    for (const one of cases) {
      const { tier, cpuLayers, reason } = recommendSplit({ ...one, snapshot: snapshotOf(one) });
      if (tier === 'fast') expect(cpuLayers).toBe(0);
      if (cpuLayers === 0 && !reason.includes(', but ')) expect(tier).toBe('fast');
      expect(reason).toMatch(/\d [GT]B/);
    }
  });
});

describe('recommendSplit for a model of known size only', () => {
  const of = (modelSize: number, totalLayers: number, snapshot: HardwareSnapshot) =>
    recommendSplit({ modelSize, totalLayers, snapshot });

  it('assumes 32 equal layers like the original', () => {
    expect(of(4 * GB, 32, machine(16 * GB, [gpu(24 * GiB)]))).toMatchObject({
      gpuLayers: 32,
      cpuLayers: 0,
      tier: 'fast',
    });
    const half = of(8 * GB, 32, machine(32 * GB, [gpu(6 * GiB)]));
    expect(half.gpuLayers).toBeGreaterThan(8);
    expect(half.gpuLayers).toBeLessThan(24);
    expect(half.gpuLayers + half.cpuLayers).toBe(32);
    expect(half.estimatedVram + half.estimatedRam).toBeGreaterThanOrEqual(8 * GB);
    expect(of(4 * GB, 32, machine(32 * GB))).toMatchObject({ gpuLayers: 0, cpuLayers: 32 });
  });

  it('places a single layer completely or not at all', () => {
    expect(of(4 * GB, 1, machine(16 * GB, [gpu(8 * GiB)])).gpuLayers).toBe(1);
    expect(of(4 * GB, 1, machine(16 * GB, [gpu(3 * GiB)])).gpuLayers).toBe(0);
  });

  it('accepts any number of layers', () => {
    const split = of(40 * GB, 100_000, machine(64 * GB, [gpu(24 * GiB)]));
    expect(split.gpuLayers + split.cpuLayers).toBe(100_000);
    expect(split.gpuLayers).toBeGreaterThan(10_000);
    expect(split.estimatedVram).toBeLessThanOrEqual(24 * GiB);
  });

  it('accepts an empty file and one of a petabyte', () => {
    expect(of(0, 32, machine(16 * GB, [gpu(8 * GiB)]))).toMatchObject({ cpuLayers: 0 });
    expect(of(1e15, 32, machine(16 * GB, [gpu(8 * GiB)]))).toMatchObject({ gpuLayers: 0, tier: 'slow' });
  });
});

describe('the default context of a load', () => {
  it('is the requested context, or the trained context up to a default', () => {
    expect(chooseContextSize(LLAMA_7B, 100_000)).toBe(100_000);
    expect(chooseContextSize(LLAMA_7B, undefined)).toBe(DEFAULT_CONTEXT);
    expect(chooseContextSize({ ...LLAMA_7B, trainContextSize: 512 }, undefined)).toBe(512);
    expect(chooseContextSize({ ...LLAMA_7B, trainContextSize: 0 }, undefined)).toBe(DEFAULT_CONTEXT);
  });
});
