import type { ModelShape } from '../gguf/model.ts';
import { type DemandSettings, demandOf } from './demand.ts';
import { checkFit, type MemoryAmount } from './fit.ts';
import { usableGpus } from './memory-budget.ts';
import { recommendSplit, type Split, tierOf } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** A distribution of a model's layers between GPU and CPU. */
export interface OffloadOption {
  /** All layers on the GPU, some of them, or none. */
  readonly strategy: 'full_vram' | 'hybrid' | 'full_ram';
  readonly gpuLayers: number;
  readonly cpuLayers: number;
  readonly needed: MemoryAmount;
  readonly speed: Split['tier'];
}

/** Returns the distributions of a model's layers that fit now, fastest first; an empty list if none fits. */
export function offloadOptions(
  shape: ModelShape,
  settings: DemandSettings,
  snapshot: HardwareSnapshot,
): OffloadOption[] {
  const demand = demandOf(shape, settings);
  const blocks = shape.layerBytes.length;
  const best = recommendSplit({ shape, ...settings, snapshot }).gpuLayers;
  const onGpu = usableGpus(snapshot).length > 0 ? [blocks, best].filter((layers) => layers > 0) : [];
  return [...new Set([...onGpu, 0])].flatMap((gpuLayers) => {
    const { fits, needed } = checkFit(demand, gpuLayers, snapshot);
    if (!fits) return [];
    const cpuLayers = blocks - gpuLayers;
    const speed = tierOf({ fits, gpuLayers, cpuLayers, estimatedRam: needed.ram }, snapshot.cpu);
    const strategy = gpuLayers === 0 ? 'full_ram' : cpuLayers === 0 ? 'full_vram' : 'hybrid';
    return [{ strategy, gpuLayers, cpuLayers, needed, speed }];
  });
}
