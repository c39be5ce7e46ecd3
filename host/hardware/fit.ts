import { type Demand, placed } from './demand.ts';
import { BARE, roomOn } from './memory-budget.ts';
import { isWithin } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** Bytes on both sides. */
export interface Sides {
  readonly ram: number;
  readonly vram: number;
}

/** What a load needs beside what there is. */
export interface Fit {
  readonly fits: boolean;
  readonly needed: Sides;
  /** What a model may take: what is available less what its process takes without one. */
  readonly available: Sides;
}

/**
 * Whether a load fits into the memory that is really available, with `gpuLayers` of its layers on the GPU. Weights, keys
 * and values, and working memory count; where no GPU can be used, all of it is main memory.
 */
export function fitOf(demand: Demand, gpuLayers: number, snapshot: HardwareSnapshot): Fit {
  const room = roomOn(snapshot, BARE);
  const { ram, vram } = placed(demand, room.gpus.length === 0 ? 0 : gpuLayers, room.gpus.length);
  return { fits: isWithin(room, { ram, vram }), needed: { ram, vram }, available: { ram: room.ram, vram: room.vram } };
}
