import type { ModelShape } from '../gguf/model.ts';
import { type Demand, type DemandSettings, demandOf, demandOfSize, memoryFor } from './demand.ts';
import { type MemoryBudget, memoryBudgetOn } from './memory-budget.ts';
import { reasonFor } from './split-reason.ts';
import type { CpuInfo, HardwareSnapshot } from './types.ts';

/** A model to split: the shape from its header, or only the size of its file. */
export type SplitRequest = { readonly snapshot: HardwareSnapshot } & (
  | ({ readonly shape: ModelShape } & DemandSettings)
  | { readonly modelSize: number; readonly totalLayers: number }
);

/** The recommended split of a model between GPU and CPU. Bytes are estimates. */
export interface Split {
  /**
   * Layers on the GPU: the last ones, as in llama.cpp. All layers include the output layer, as with this number as
   * `n_gpu_layers` of LOAD_MODEL.
   */
  readonly gpuLayers: number;
  /** The other layers. */
  readonly cpuLayers: number;
  readonly estimatedVram: number;
  readonly estimatedRam: number;
  /**
   * `fast`: all layers on the GPU. `medium`: at least half of them, or a small model on a CPU with wide vector units.
   * `slow`: everything else, and models that do not fit.
   */
  readonly tier: 'fast' | 'medium' | 'slow';
  /** Whether it can be loaded with the memory that is currently available. */
  readonly fits: boolean;
  /** An explanation with figures. */
  readonly reason: string;
}

/** Largest model that a CPU alone runs at reading speed, in bytes: about 10 tokens/s at a desktop's 40 GB/s. */
const SMALL_MODEL = 4e9;

/** Recommends a split: as many layers on the GPU as fit there with the context, the rest in main memory. */
export function recommendSplit(question: SplitRequest): Split {
  const demand =
    'shape' in question ? demandOf(question.shape, question) : demandOfSize(question.modelSize, question.totalLayers);
  const contextSize = 'shape' in question ? question.contextSize : undefined;
  const { snapshot } = question;
  const budget = memoryBudgetOn(snapshot);
  const gpuLayers = mostLayers(demand, budget);
  const { vram, ram } = memoryFor(demand, gpuLayers, budget.gpus.length);
  const layers = demand.layers.length;
  const fits = fitsBudget(budget, { vram, ram });
  const answer = { gpuLayers, cpuLayers: layers - gpuLayers, estimatedVram: vram, estimatedRam: ram };
  const tier = tierOf({ ...answer, fits }, snapshot.cpu);
  return { ...answer, tier, fits, reason: reasonFor({ ...answer, fits, tier, demand, budget, snapshot, contextSize }) };
}

/** Returns the largest number of layers that fits the GPUs; 0 if none fits or there is no GPU. */
function mostLayers(demand: Demand, budget: MemoryBudget): number {
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
  // With shared memory, some layers on the GPU are no help if the model as a whole does not fit. Tied embeddings are
  // duplicated by the output layer on the GPU, so all layers but one may fit if all do not.
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

/** Returns how fast a model with this split will be. */
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

/** ggml builds for CPUs without AVX2, where a token takes several times as long. */
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

/** Default context length, in tokens: enough for a conversation, and affordable on any computer. */
export const DEFAULT_CONTEXT = 4096;

/**
 * Returns the context length for a load: the requested one, otherwise that of the model's training, up to the default.
 */
export function chooseContextSize(shape: ModelShape, requested?: number): number {
  if (requested !== undefined) return requested;
  return shape.trainContextSize > 0 ? Math.min(shape.trainContextSize, DEFAULT_CONTEXT) : DEFAULT_CONTEXT;
}

/** Assumed number of layers: that of most 7B and 8B models. */
export const ASSUMED_LAYERS = 32;

/** Returns whether a model of which only the size is known can be loaded now, with any split. */
export function fitsSize(modelSize: number, snapshot: HardwareSnapshot): boolean {
  return recommendSplit({ modelSize, totalLayers: ASSUMED_LAYERS, snapshot }).fits;
}
