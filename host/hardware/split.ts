import type { ModelShape } from '../gguf/model.ts';
import { type Demand, type DemandSettings, demandOf, demandOfSize, memoryFor } from './demand.ts';
import { type MemoryBudget, memoryBudgetOn } from './memory-budget.ts';
import { reasonFor } from './split-reason.ts';
import type { CpuInfo, HardwareSnapshot } from './types.ts';

/** A model: what its header says, or only how large its file is. */
export type SplitQuestion = { readonly snapshot: HardwareSnapshot } & (
  | ({ readonly shape: ModelShape } & DemandSettings)
  | { readonly modelSize: number; readonly totalLayers: number }
);

/** How a model is best divided between GPU and CPU. Bytes are estimates. */
export interface Split {
  /**
   * Blocks on the GPU: the last ones, as llama.cpp takes them. All of them means the output layer too, and so does
   * LOAD_MODEL's `n_gpu_layers` with this number, so the one can be given back as the other.
   */
  readonly gpuLayers: number;
  /** The other blocks: together they are all. */
  readonly cpuLayers: number;
  readonly estimatedVram: number;
  readonly estimatedRam: number;
  /**
   * `fast`: all on the GPU. `medium`: at least half of the blocks on it, or a small model on a CPU with vector units.
   * `slow`: everything else, and what does not fit at all.
   */
  readonly tier: 'fast' | 'medium' | 'slow';
  /** Whether it can be loaded at all with the memory that is free now. */
  readonly fits: boolean;
  /** A sentence with the figures behind it. */
  readonly reason: string;
}

/** Largest model, bytes, that a CPU alone runs at reading speed: some 10 tokens/s at a desktop's 40 GB/s. */
const SMALL_MODEL = 4e9;

/** Chooses the split: as many layers on the GPU as fit there with the context, the rest in main memory. */
export function recommendSplit(question: SplitQuestion): Split {
  const demand =
    'shape' in question ? demandOf(question.shape, question) : demandOfSize(question.modelSize, question.totalLayers);
  const contextSize = 'shape' in question ? question.contextSize : undefined;
  const { snapshot } = question;
  const room = memoryBudgetOn(snapshot);
  const gpuLayers = mostLayers(demand, room);
  const { vram, ram } = memoryFor(demand, gpuLayers, room.gpus.length);
  const layers = demand.layers.length;
  const fits = isWithin(room, { vram, ram });
  const answer = { gpuLayers, cpuLayers: layers - gpuLayers, estimatedVram: vram, estimatedRam: ram };
  const tier = tierOf({ ...answer, fits }, snapshot.cpu);
  return { ...answer, tier, fits, reason: reasonFor({ ...answer, fits, tier, demand, room, snapshot, contextSize }) };
}

/** The largest number of layers whose bytes fit the GPUs; none where not even one does, or there is no GPU. */
export function mostLayers(demand: Demand, room: MemoryBudget): number {
  if (room.vram === 0) return 0;
  // What the GPU needs grows with each layer: halving finds the last number that fits.
  let fitting = 0;
  let tooMany = demand.layers.length + 1;
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2);
    if (memoryFor(demand, middle, room.gpus.length).vram <= room.vram) fitting = middle;
    else tooMany = middle;
  }
  if (!room.shared) return fitting;
  // Shared memory gains nothing from a part on the GPU when the whole does not fit anywhere. Tied embeddings, which the
  // output layer brings to the GPU a second time, can be what is too much: then all layers but one may fit.
  return (
    [fitting, fitting - 1].find(
      (layers) => layers > 0 && isWithin(room, memoryFor(demand, layers, room.gpus.length)),
    ) ?? 0
  );
}

/** Whether so much fits a room. */
export function isWithin(room: MemoryBudget, { vram, ram }: { vram: number; ram: number }): boolean {
  return vram <= room.vram && (room.shared ? vram + ram : ram) <= room.ram;
}

/** How quick a model will be on a processor, divided like this. */
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

/** ggml binaries of CPUs without AVX2: a token takes several times as long there. */
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

/** The context a load gets when the request names none, tokens: a conversation's worth, at a cost any machine can pay. */
export const DEFAULT_CONTEXT = 4096;

/** Context for a load: the one asked for, else the one the model was trained with, up to the default. */
export function chooseContextSize(shape: ModelShape, requested?: number): number {
  if (requested !== undefined) return requested;
  return shape.trainContextSize > 0 ? Math.min(shape.trainContextSize, DEFAULT_CONTEXT) : DEFAULT_CONTEXT;
}
