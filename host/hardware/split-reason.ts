import { formatBytes } from '../common/format.ts';
import { sum } from '../common/sum.ts';
import type { Demand } from './demand.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { HardwareSnapshot } from './types.ts';

/** Minimum context length to recommend, in tokens: a shorter one is insufficient for a question and its answer. */
const MIN_CONTEXT = 512;

/** The properties of a split that its explanation uses. */
export interface SplitFacts {
  readonly gpuLayers: number;
  readonly cpuLayers: number;
  readonly estimatedVram: number;
  readonly estimatedRam: number;
  readonly fits: boolean;
  readonly tier: 'fast' | 'medium' | 'slow';
  readonly demand: Demand;
  readonly budget: MemoryBudget;
  readonly snapshot: HardwareSnapshot;
  /** In tokens; undefined if only the size of the file is known. */
  readonly contextSize: number | undefined;
}

/** Returns an explanation of a split with its memory sizes, in one or two sentences. */
export function reasonFor(facts: SplitFacts): string {
  if (!facts.fits) return tooLarge(facts);
  if (facts.cpuLayers === 0) return allOnGpu(facts);
  return facts.gpuLayers > 0 ? splitBetween(facts) : allOnCpu(facts);
}

function allOnGpu({ estimatedVram, contextSize, budget }: SplitFacts): string {
  return `Fits on the GPU. Uses ${formatBytes(estimatedVram)}${withContext(contextSize)}; ${vramOf(budget)}.`;
}

function splitBetween({ gpuLayers, cpuLayers, estimatedVram, estimatedRam, contextSize }: SplitFacts): string {
  return (
    `Fits partly on the GPU${withContext(contextSize)}. ${gpuLayers} of ${gpuLayers + cpuLayers} layers use ` +
    `${formatBytes(estimatedVram)} of GPU memory; the rest run on the processor and use ${formatBytes(estimatedRam)} of memory.`
  );
}

function allOnCpu({ estimatedRam, contextSize, budget, snapshot }: SplitFacts): string {
  const why =
    budget.gpus.length === 0
      ? 'No supported GPU was found, so it runs on the processor.'
      : 'Too little GPU memory is free, so it runs on the processor.';
  return (
    `Fits. Uses ${formatBytes(estimatedRam)} of ${formatBytes(snapshot.memory.available)} free memory` +
    `${withContext(contextSize)}. ${why}`
  );
}

function tooLarge({ estimatedVram, estimatedRam, contextSize, demand, budget, snapshot }: SplitFacts): string {
  const needed = estimatedVram + estimatedRam;
  const has = [
    ...(budget.gpus.length > 0 && !budget.shared ? [vramOf(budget)] : []),
    `only ${formatBytes(snapshot.memory.available)} of memory is free`,
  ].join(' and ');
  const what = contextSize === undefined ? 'The model' : `The model with a ${count(contextSize)}-token context`;
  return `Does not fit. ${what} needs ${formatBytes(needed)}, but ${has}. ${remedy(contextSize, demand, budget, needed)}`;
}

/** Suggests a shorter context if that would fit, otherwise a smaller file. */
function remedy(contextSize: number | undefined, demand: Demand, budget: MemoryBudget, needed: number): string {
  const total = budget.shared ? budget.ram : budget.ram + budget.vram;
  const excess = needed - total;
  if (contextSize !== undefined && demand.perContextToken > 0) {
    const shorter = Math.floor((contextSize - excess / demand.perContextToken) / MIN_CONTEXT) * MIN_CONTEXT;
    if (shorter >= MIN_CONTEXT && shorter < contextSize) return `A context of ${count(shorter)} tokens would fit.`;
  }
  const part = Math.floor((100 * total) / needed);
  return part < 1
    ? 'Choose a much smaller model.'
    : `Choose a smaller model, or a quantization of at most ${part} % of this one's size.`;
}

function withContext(contextSize: number | undefined): string {
  return contextSize === undefined ? '' : ` with a ${count(contextSize)}-token context`;
}

/** Returns a clause such as `NVIDIA GeForce RTX 4090 has 22.9 GB free`, with the total of several GPUs. */
function vramOf({ gpus }: MemoryBudget): string {
  const free = formatBytes(sum(gpus.map((gpu) => gpu.availableVram)));
  const [first] = gpus;
  if (gpus.length > 1)
    return `${gpus.length} GPUs (${gpus.map((gpu) => gpu.name).join(', ')}) have ${free} free in total`;
  return `${first?.name ?? 'the GPU'} has ${free} free`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
