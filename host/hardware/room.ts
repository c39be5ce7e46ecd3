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
export function roomOn(snapshot: HardwareSnapshot): Room {
  const gpus = usableGpus(snapshot);
  return {
    gpus,
    vram: gpus.reduce((total, gpu) => total + Math.max(0, gpu.availableVram - GPU_RESERVE), 0),
    ram: Math.max(0, snapshot.memory.available - RAM_RESERVE),
    shared: gpus.some((gpu) => gpu.sharedMemory),
  };
}

/**
 * The GPUs llama.cpp can put layers on, where that is worth it. Its packages have a GPU backend for Apple's CPUs (Metal)
 * and for x64 under Linux and Windows: CUDA, which is taken where there is an Nvidia GPU and sees no others, else
 * Vulkan. Graphics inside Intel's and AMD's CPUs read the same memory as the CPU, and no faster: nothing is gained.
 */
export function usableGpus({ cpu, gpus }: HardwareSnapshot): GpuInfo[] {
  if (cpu.platform === 'darwin') return cpu.architecture === 'arm64' ? gpus.filter(isApple).slice(0, 1) : [];
  if (cpu.architecture !== 'x64') return [];
  const own = gpus.filter((gpu) => !gpu.sharedMemory && gpu.totalVram > 0);
  const nvidia = own.filter(({ vendor }) => vendor === 'nvidia');
  return nvidia.length > 0 ? nvidia : own;
}

function isApple({ vendor }: GpuInfo): boolean {
  return vendor === 'apple';
}
