import type { GpuInfo, HardwareSnapshot } from './types.ts';

/**
 * Left alone on each GPU, bytes: a backend's own context and kernels (CUDA: 300 to 500 MB), and what a desktop takes
 * meanwhile. Without it the load that just fits is the one that fails.
 */
const GPU_RESERVE = 600 * 1024 * 1024;

/** Left alone of the main memory, bytes: the runner process itself (some 150 MB), and air for the browser. */
const RAM_RESERVE = 1024 * 1024 * 1024;

/** What a model may take, bytes. */
export interface Room {
  /** The GPUs it may be put on; several hold a model's layers together. */
  readonly gpus: readonly GpuInfo[];
  readonly vram: number;
  readonly ram: number;
  /** True where VRAM is a part of RAM: then both together may not take more than `ram`. */
  readonly shared: boolean;
}

/** What of this machine's memory a model may take now. */
export function roomOn({ cpu, gpus, memory }: HardwareSnapshot): Room {
  const usable = cpu.platform === 'darwin' && cpu.architecture === 'x64' ? [] : usableGpus(gpus);
  return {
    gpus: usable,
    vram: usable.reduce((total, gpu) => total + Math.max(0, gpu.availableVram - GPU_RESERVE), 0),
    ram: Math.max(0, memory.available - RAM_RESERVE),
    shared: usable.some((gpu) => gpu.sharedMemory),
  };
}

/**
 * The GPUs worth putting layers on: those with memory of their own; else one that shares the main memory, of Apple or
 * Nvidia. Intel's and AMD's integrated graphics read the same memory as the CPU and no faster, so they gain nothing.
 * (Macs with Intel CPUs: llama.cpp's binaries for them have no Metal.)
 */
function usableGpus(gpus: readonly GpuInfo[]): GpuInfo[] {
  const own = gpus.filter((gpu) => !gpu.sharedMemory && gpu.totalVram > 0);
  if (own.length > 0) return own;
  return gpus.filter(({ vendor }) => vendor === 'apple' || vendor === 'nvidia').slice(0, 1);
}
