import { type Demand, memoryFor } from './demand.ts';
import { MINIMUM_RESERVE, memoryBudgetOn } from './memory-budget.ts';
import { isWithin } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** Bytes on both sides. */
export interface MemoryAmount {
  readonly ram: number;
  readonly vram: number;
}

/** What a load needs beside what there is. */
export interface Fit {
  readonly fits: boolean;
  readonly needed: MemoryAmount;
  /** What a model may take: what is available less what its process takes without one. */
  readonly available: MemoryAmount;
}

/**
 * Whether a load fits into the memory that is really available, with `gpuLayers` of its layers on the GPU. Weights, keys
 * and values, and working memory count; where no GPU can be used, all of it is main memory.
 */
export function fitOf(demand: Demand, gpuLayers: number, snapshot: HardwareSnapshot): Fit {
  const room = memoryBudgetOn(snapshot, MINIMUM_RESERVE);
  const { ram, vram } = memoryFor(demand, room.gpus.length === 0 ? 0 : gpuLayers, room.gpus.length);
  return { fits: isWithin(room, { ram, vram }), needed: { ram, vram }, available: { ram: room.ram, vram: room.vram } };
}
