import { sum } from '../common/sum.ts';
import type { GpuInfo, HardwareSnapshot } from './types.ts';

/** What is left alone, bytes. */
export interface Reserve {
  readonly gpu: number;
  readonly ram: number;
}

/**
 * Left alone where layers are divided: on each GPU a backend's own context and kernels (CUDA: 300 to 500 MB) and what a
 * desktop takes meanwhile, without which the load that just fits is the one that fails; of the main memory the runner
 * process itself (some 150 MB), and air for the browser.
 */
export const RECOMMENDED_RESERVE: Reserve = { gpu: 600 * 1024 * 1024, ram: 1024 * 1024 * 1024 };

/** Left alone where a load is refused: a runner process without a model, and a GPU backend's context. */
export const MINIMUM_RESERVE: Reserve = { gpu: 300 * 1024 * 1024, ram: 160 * 1024 * 1024 };

/** What a model may take, bytes. */
export interface MemoryBudget {
  /** The GPUs it may be put on; several hold a model's layers together. */
  readonly gpus: readonly GpuInfo[];
  readonly vram: number;
  readonly ram: number;
  /** True where VRAM is a part of RAM: then both together may not take more than `ram`. */
  readonly shared: boolean;
}

/** What of this machine's memory a model may take now. */
export function memoryBudgetOn(snapshot: HardwareSnapshot, reserve = RECOMMENDED_RESERVE): MemoryBudget {
  const gpus = usableGpus(snapshot);
  return {
    gpus,
    vram: sum(gpus.map((gpu) => Math.max(0, gpu.availableVram - reserve.gpu))),
    ram: Math.max(0, snapshot.memory.available - reserve.ram),
    shared: gpus.some((gpu) => gpu.sharedMemory),
  };
}

/**
 * The same machine without the mapped weights of loaded models, bytes: Linux counts the pages of every file as available,
 * also of one that is read for each token. Windows and macOS do not; there nothing is taken off.
 */
export function withoutMapped(snapshot: HardwareSnapshot, mappedBytes: number): HardwareSnapshot {
  if (snapshot.cpu.platform !== 'linux') return snapshot;
  const { total, available } = snapshot.memory;
  return { ...snapshot, memory: { total, available: Math.max(0, available - mappedBytes) } };
}

/** The same machine with memory given back by models that would be unloaded; on several GPUs, as if evenly. */
export function withFreed(snapshot: HardwareSnapshot, freed: { ram: number; vram: number }): HardwareSnapshot {
  const { total, available } = snapshot.memory;
  const perGpu = freed.vram / Math.max(1, snapshot.gpus.length);
  return {
    ...snapshot,
    memory: { total, available: Math.min(total, available + freed.ram) },
    gpus: snapshot.gpus.map((gpu) => ({
      ...gpu,
      availableVram: Math.min(gpu.totalVram, gpu.availableVram + perGpu),
    })),
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
