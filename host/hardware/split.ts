import type { ModelShape } from '../gguf/model.ts';
import type { CpuInfo, HardwareSnapshot } from './types.ts';

const MiB = 1024 * 1024;

/** VRAM left alone: the driver's context, and what the desktop draws with while a model runs. */
const VRAM_RESERVE_BYTES = 512 * MiB;
/** RAM left to the rest of the machine. */
const RAM_RESERVE_BYTES = 1024 * MiB;
/** Allowance for the compute graph, as a share of the weights: it grows with the model's width, as they do. */
const COMPUTE_SHARE = 0.05;
/** The least a compute graph takes. */
const MIN_COMPUTE_BYTES = 64 * MiB;
/** KV cache of a model of which only the size is known, as a share of its weights at 4,096 tokens. */
const UNKNOWN_KV_SHARE = 0.08;
/** Up to this size a model answers at reading speed from main memory: some 10 GB/s of bandwidth make 5 tokens a second. */
const SMALL_MODEL_BYTES = 4e9;

/** Tokens of context when a request names none: enough for a conversation, little enough not to fill the memory. */
const DEFAULT_CONTEXT = 4096;
/** More threads than this wait for the memory instead of computing. */
const MAX_THREADS = 16;

/** Where a model's layers should go on this machine. Sizes are bytes. */
export interface Split {
  /** Blocks on the GPU; all of them means the output layer too. */
  readonly gpuLayers: number;
  readonly cpuLayers: number;
  readonly estimatedVram: number;
  readonly estimatedRam: number;
  readonly tier: 'fast' | 'medium' | 'slow';
  /** Why, with figures, for a person. */
  readonly reason: string;
}

export type SplitRequest =
  | { readonly shape: ModelShape; readonly contextSize: number; readonly snapshot: HardwareSnapshot }
  | { readonly modelSize: number; readonly totalLayers: number; readonly snapshot: HardwareSnapshot };

/** What a model takes, cut the way llama.cpp cuts it. */
interface Load {
  /** Weights and KV cache of each block, in order. */
  readonly blocks: readonly number[];
  /** Stays in main memory: the token embeddings. */
  readonly input: number;
  /** Goes with the last block. */
  readonly output: number;
  readonly compute: number;
  /** Weights alone. */
  readonly weights: number;
  readonly what: string;
}

/**
 * Recommends how many layers go on the GPU. llama.cpp takes a model's last layers first, so the largest number of them
 * that fits into the free VRAM, with KV cache and compute buffers, is the answer; the rest stays in main memory.
 *
 * `tier`: `fast` with everything on the GPU; `medium` with half of the layers there, or for a model of up to 4 GB that
 * fits into main memory; `slow` otherwise, and where it does not fit at all.
 */
export function recommendSplit(request: SplitRequest): Split {
  const load = 'shape' in request ? loadOf(request.shape, request.contextSize) : evenLoad(request);
  const { gpus, memory } = request.snapshot;
  const shared = gpus.length > 0 && gpus.every((gpu) => gpu.sharedMemory);
  const usable = gpus.filter((gpu) => shared || !gpu.sharedMemory);
  // Memory a GPU shares is one and the same, however many GPUs see it.
  const vram = shared ? memory.available : usable.reduce((sum, gpu) => sum + gpu.availableVram, 0);
  const gpuLayers =
    usable.length === 0 ? 0 : layersThatFit(load, vram - VRAM_RESERVE_BYTES * (shared ? 1 : usable.length));

  const total = load.blocks.length;
  const onGpu = sum(load.blocks.slice(total - gpuLayers)) + (gpuLayers === total ? load.output : 0);
  const estimatedVram = gpuLayers === 0 ? 0 : onGpu + load.compute;
  const estimatedRam = sum(load.blocks) + load.input + load.output - onGpu + (gpuLayers === total ? 0 : load.compute);
  const fits = estimatedRam + (shared ? estimatedVram : 0) + RAM_RESERVE_BYTES <= memory.available;
  const split = { gpuLayers, cpuLayers: total - gpuLayers, estimatedVram, estimatedRam };
  return {
    ...split,
    tier: tierOf(split, fits, load.weights),
    reason: reasonFor(split, { load, fits, gpuNames: usable.map((gpu) => gpu.name), vram, ram: memory.available }),
  };
}

/** The context a load gets, tokens: what was asked for, else as much as the model was trained for, up to a default. */
export function chooseContextSize(shape: ModelShape, requested: number | undefined): number {
  return requested ?? Math.min(shape.trainContextSize || DEFAULT_CONTEXT, DEFAULT_CONTEXT);
}

/** Threads to evaluate with: the physical cores, since two threads of a core share the units that matter. */
export function chooseThreads(cpu: Pick<CpuInfo, 'cores'>): number {
  return Math.max(1, Math.min(cpu.cores, MAX_THREADS));
}

function loadOf(shape: ModelShape, contextSize: number): Load {
  const blocks = shape.layerBytes.map((bytes, layer) => bytes + (shape.kvBytesPerToken[layer] ?? 0) * contextSize);
  const weights = sum(shape.layerBytes) + shape.inputBytes + shape.outputBytes;
  return {
    blocks,
    input: shape.inputBytes,
    output: shape.outputBytes,
    compute: computeBytes(weights),
    weights,
    what: `a context of ${contextSize.toLocaleString('en')} tokens`,
  };
}

/** A model of which only size and number of layers are known: all layers alike. */
function evenLoad({ modelSize, totalLayers }: { modelSize: number; totalLayers: number }): Load {
  const block = Math.round((modelSize * (1 + UNKNOWN_KV_SHARE)) / totalLayers);
  return {
    blocks: new Array<number>(totalLayers).fill(block),
    input: 0,
    output: 0,
    compute: computeBytes(modelSize),
    weights: modelSize,
    what: `a context of ${DEFAULT_CONTEXT.toLocaleString('en')} tokens`,
  };
}

function computeBytes(weights: number): number {
  return Math.max(MIN_COMPUTE_BYTES, Math.round(weights * COMPUTE_SHARE));
}

/** How many of the last layers fit into `room` bytes, beside the compute buffers. */
function layersThatFit({ blocks, output, compute }: Load, room: number): number {
  let left = room - compute;
  let layers = 0;
  for (const block of blocks.toReversed()) {
    // With its first block, a whole model brings its output layer.
    const needed = layers + 1 === blocks.length ? block + output : block;
    if (needed > left) break;
    left -= needed;
    layers += 1;
  }
  return layers;
}

function tierOf(
  { gpuLayers, cpuLayers }: Pick<Split, 'gpuLayers' | 'cpuLayers'>,
  fits: boolean,
  weights: number,
): Split['tier'] {
  if (!fits) return 'slow';
  if (cpuLayers === 0) return 'fast';
  return gpuLayers >= cpuLayers || weights <= SMALL_MODEL_BYTES ? 'medium' : 'slow';
}

function reasonFor(
  { gpuLayers, cpuLayers, estimatedVram, estimatedRam }: Omit<Split, 'tier' | 'reason'>,
  {
    load,
    fits,
    gpuNames,
    vram,
    ram,
  }: { load: Load; fits: boolean; gpuNames: readonly string[]; vram: number; ram: number },
): string {
  const total = gpuLayers + cpuLayers;
  const names = gpuNames.join(' and ');
  const needs = `with ${load.what} needs ${gigabytes(estimatedRam)} of RAM, of which ${gigabytes(ram)} are available`;
  const where =
    gpuNames.length === 0
      ? `There is no GPU to use: the model ${needs}.`
      : cpuLayers === 0
        ? `All ${total} layers and ${load.what} need ${gigabytes(estimatedVram)} of VRAM; ${names} has ${gigabytes(vram)} free.`
        : `${gpuLayers} of ${total} layers fit into the ${gigabytes(vram)} free on ${names}; the rest ${needs}.`;
  return fits
    ? where
    : `${where} That does not fit: choose a smaller quantization, a shorter context or a smaller model.`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
