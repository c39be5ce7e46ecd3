import type { ModelShape } from '../gguf/model.ts';
import { type Demand, type DemandSettings, demandOf, demandOfSize, memoryFor } from './demand.ts';
import { type MemoryBudget, memoryBudgetOn } from './memory-budget.ts';
import { reasonFor } from './split-reason.ts';
import type { CpuInfo, HardwareSnapshot } from './types.ts';

/** The model to split: its shape, or only the size of its file. */
export type SplitRequest = { readonly snapshot: HardwareSnapshot } & (
  | ({ readonly shape: ModelShape } & DemandSettings)
  | { readonly modelSize: number; readonly totalLayers: number }
);

/** The recommended split of a model between GPU and CPU. Sizes are estimates, in bytes. */
export interface Split {
  /**
   * Number of layers on the GPU: the last ones, as in llama.cpp. If all layers are on the GPU, the output layer is as
   * well, as with this value of `n_gpu_layers` in LOAD_MODEL.
   */
  readonly gpuLayers: number;
  /** Number of the other layers. */
  readonly cpuLayers: number;
  readonly estimatedVram: number;
  readonly estimatedRam: number;
  /**
   * `fast`: all layers on the GPU. `medium`: at least half of them, or a small model on a CPU with wide vector units.
   * `slow`: everything else, and models that do not fit.
   */
  readonly tier: 'fast' | 'medium' | 'slow';
  /** Whether the model can be loaded with the memory that is currently available. */
  readonly fits: boolean;
  /** An explanation with memory sizes. */
  readonly reason: string;
}

/** Size up to which a CPU runs a model at reading speed, in bytes: about 10 tokens/s at a desktop's 40 GB/s. */
const SMALL_MODEL = 4e9;

/** Recommends a split: as many layers on the GPU as fit with the context, and the others in main memory. */
export function recommendSplit(request: SplitRequest): Split {
  const demand =
    'shape' in request ? demandOf(request.shape, request) : demandOfSize(request.modelSize, request.totalLayers);
  const contextSize = 'shape' in request ? request.contextSize : undefined;
  const { snapshot } = request;
  const budget = memoryBudgetOn(snapshot);
  const gpuLayers = maxGpuLayers(demand, budget);
  const { vram, ram } = memoryFor(demand, gpuLayers, budget.gpus.length);
  const layers = demand.layers.length;
  const fits = fitsBudget(budget, { vram, ram });
  const split = { gpuLayers, cpuLayers: layers - gpuLayers, estimatedVram: vram, estimatedRam: ram };
  const tier = tierOf({ ...split, fits }, snapshot.cpu);
  return { ...split, tier, fits, reason: reasonFor({ ...split, fits, tier, demand, budget, snapshot, contextSize }) };
}

/** Returns the maximum number of layers that fit on the GPUs; 0 if none fits or there is no GPU. */
function maxGpuLayers(demand: Demand, budget: MemoryBudget): number {
  if (budget.vram === 0) return 0;
  // GPU memory grows with each layer, so a binary search finds the largest number that fits.
  let fitting = 0;
  let tooMany = demand.layers.length + 1;
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if (memoryFor(demand, middle, budget.gpus.length).vram <= budget.vram) fitting = middle;
    else tooMany = middle;
  }
  if (!budget.shared) return fitting;
  // With shared memory, layers on the GPU do not help if the model as a whole does not fit. With all layers on the GPU,
  // the output layer duplicates tied embeddings, so all layers but one may fit if all do not.
  return (
    [fitting, fitting - 1].find(
      (layers) => layers > 0 && fitsBudget(budget, memoryFor(demand, layers, budget.gpus.length)),
    ) ?? 0
  );
}

/** Returns whether an amount of memory fits a budget. */
export function fitsBudget(budget: MemoryBudget, { vram, ram }: { vram: number; ram: number }): boolean {
  return vram <= budget.vram && (budget.shared ? vram + ram : ram) <= budget.ram;
}

/** Returns the speed class of a model with this split. */
export function tierOf(
  split: Pick<Split, 'fits' | 'gpuLayers' | 'cpuLayers' | 'estimatedRam'>,
  cpu: CpuInfo,
): Split['tier'] {
  const { gpuLayers, cpuLayers, estimatedRam, fits } = split;
  if (!fits) return 'slow';
  if (cpuLayers === 0) return 'fast';
  if (gpuLayers >= cpuLayers) return 'medium';
  return gpuLayers === 0 && estimatedRam <= SMALL_MODEL && hasWideVectors(cpu) ? 'medium' : 'slow';
}

/** ggml builds for CPUs without AVX2 or similar vector units, on which a token takes several times as long. */
const NARROW_BUILDS: ReadonlySet<string | null> = new Set([
  'x64',
  'sse42',
  'sandybridge',
  'ivybridge',
  'piledriver',
  'armv8.0_1',
]);

function hasWideVectors({ variant, architecture }: CpuInfo): boolean {
  if (architecture !== 'x64' && architecture !== 'arm64') return false;
  return !NARROW_BUILDS.has(variant);
}

/** Default context length, in tokens: sufficient for a conversation, and small enough for any computer. */
export const DEFAULT_CONTEXT = 4096;

/**
 * Returns the context length for a load: the requested one, otherwise the model's training context length, up to the
 * default.
 */
export function chooseContextSize(shape: ModelShape, requested?: number): number {
  if (requested !== undefined) return requested;
  return shape.trainContextSize > 0 ? Math.min(shape.trainContextSize, DEFAULT_CONTEXT) : DEFAULT_CONTEXT;
}

/** Assumed number of layers: most 7B and 8B models have 32. */
export const ASSUMED_LAYERS = 32;

/** Returns whether a model of which only the size is known can be loaded now, with any split. */
export function fitsSize(modelSize: number, snapshot: HardwareSnapshot): boolean {
  return recommendSplit({ modelSize, totalLayers: ASSUMED_LAYERS, snapshot }).fits;
}
