import { type Demand, memoryFor } from './demand.ts';
import { MINIMUM_RESERVE, memoryBudgetOn } from './memory-budget.ts';
import { fitsBudget } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** Amounts of main and GPU memory, in bytes. */
export interface MemoryAmount {
  readonly ram: number;
  readonly vram: number;
}

/** The memory that a load needs, compared with the available memory. */
export interface Fit {
  readonly fits: boolean;
  readonly needed: MemoryAmount;
  /** Memory available to the model: the available memory minus that which its process needs without a model. */
  readonly available: MemoryAmount;
}

/**
 * Returns whether a load with `gpuLayers` layers on the GPU fits into the available memory, counting weights, KV cache
 * and working memory. Without a usable GPU, all layers are in main memory.
 */
export function checkFit(demand: Demand, gpuLayers: number, snapshot: HardwareSnapshot): Fit {
  const budget = memoryBudgetOn(snapshot, MINIMUM_RESERVE);
  const { ram, vram } = memoryFor(demand, budget.gpus.length === 0 ? 0 : gpuLayers, budget.gpus.length);
  return {
    fits: fitsBudget(budget, { ram, vram }),
    needed: { ram, vram },
    available: { ram: budget.ram, vram: budget.vram },
  };
}
