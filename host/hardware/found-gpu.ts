import type { GpuInfo, MemoryInfo } from './types.ts';

/** A GPU as the system reports it. Sizes are bytes, null if it has no memory of its own. */
export type DetectedGpu = Omit<GpuInfo, 'totalVram' | 'availableVram'> & {
  readonly totalVram: number | null;
  readonly availableVram: number | null;
};

/** Above this memory size, bytes, Metal lets a GPU use three quarters of the memory instead of two thirds. */
const LARGE_MAC = 32 * 1024 ** 3;

/** Fills in the memory sizes of GPUs that share the main memory. */
export function resolveGpuMemory(gpus: readonly DetectedGpu[], memory: MemoryInfo): GpuInfo[] {
  return gpus.map((gpu) => {
    const totalVram = gpu.totalVram ?? Math.floor(memory.total * sharedMemoryRatio(gpu, memory));
    return { ...gpu, totalVram, availableVram: Math.min(totalVram, gpu.availableVram ?? memory.available) };
  });
}

/**
 * Returns the share of the main memory that a GPU may use. Apple: Metal's `recommendedMaxWorkingSetSize` as logged by
 * llama.cpp on Macs with 8 to 192 GB. Nvidia (GB10, Jetson): all of it. Other integrated GPUs: half, the limit of
 * Windows and of Linux's translation tables (`amdgpu.gttsize`).
 */
function sharedMemoryRatio({ vendor }: DetectedGpu, { total }: MemoryInfo): number {
  if (vendor === 'apple') return total > LARGE_MAC ? 3 / 4 : 2 / 3;
  return vendor === 'nvidia' ? 1 : 1 / 2;
}
