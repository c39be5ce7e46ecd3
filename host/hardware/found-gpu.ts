import type { GpuInfo, MemoryInfo } from './types.ts';

/** A GPU as a system tells of it. Sizes are bytes, null where it has no memory of its own. */
export type FoundGpu = Omit<GpuInfo, 'totalVram' | 'availableVram'> & {
  readonly totalVram: number | null;
  readonly availableVram: number | null;
};

/** Above this, bytes, Metal lets a GPU have three quarters of the memory, up to it two thirds. */
const LARGE_MAC = 32 * 1024 ** 3;

/** Puts sizes to what GPUs that share the main memory may have of it, now. */
export function sizeGpus(gpus: readonly FoundGpu[], memory: MemoryInfo): GpuInfo[] {
  return gpus.map((gpu) => {
    const totalVram = gpu.totalVram ?? Math.floor(memory.total * sharedPart(gpu, memory));
    return { ...gpu, totalVram, availableVram: Math.min(totalVram, gpu.availableVram ?? memory.available) };
  });
}

/**
 * The part of the memory a GPU may take. Apple: Metal's `recommendedMaxWorkingSetSize` as llama.cpp logs it on Macs of
 * 8 to 192 GB. Nvidia's (GB10, Jetson): all of it. Other integrated ones: half, the limit of Windows and of Linux's
 * translation tables (`amdgpu.gttsize`).
 */
function sharedPart({ vendor }: FoundGpu, { total }: MemoryInfo): number {
  if (vendor === 'apple') return total > LARGE_MAC ? 3 / 4 : 2 / 3;
  return vendor === 'nvidia' ? 1 : 1 / 2;
}
