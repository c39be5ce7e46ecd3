import { sum } from '../common/sum.ts';
import type { GpuInfo, HardwareSnapshot } from './types.ts';

/** Memory that models may not use, in bytes. */
export interface Reserve {
  readonly gpu: number;
  readonly ram: number;
}

/**
 * Reserve for recommending a split. On each GPU: the context and kernels of a backend (CUDA: 300 to 500 MB), and
 * changes in the memory use of the desktop, which could make a load fail. In main memory: the runner process (about 150
 * MB) and some memory for the browser.
 */
const RECOMMENDED_RESERVE: Reserve = { gpu: 600 * 1024 * 1024, ram: 1024 * 1024 * 1024 };

/** Reserve for rejecting a load: the memory of a runner process without a model, and the context of a GPU backend. */
export const MINIMUM_RESERVE: Reserve = { gpu: 300 * 1024 * 1024, ram: 160 * 1024 * 1024 };

/** The memory that a model may use, in bytes. */
export interface MemoryBudget {
  /** The GPUs that it may use. Several GPUs share the layers of a model. */
  readonly gpus: readonly GpuInfo[];
  readonly vram: number;
  readonly ram: number;
  /** Whether VRAM is part of RAM. The total must then not exceed `ram`. */
  readonly shared: boolean;
}

/** Returns the memory that a model may currently use. */
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
 * Subtracts the mapped weights of loaded models, in bytes, from the available memory. Linux counts file pages as
 * available, even those of weights that are read for each token; Windows and macOS do not.
 */
export function withoutMapped(snapshot: HardwareSnapshot, mappedBytes: number): HardwareSnapshot {
  if (snapshot.cpu.platform !== 'linux') return snapshot;
  const { total, available } = snapshot.memory;
  return { ...snapshot, memory: { total, available: Math.max(0, available - mappedBytes) } };
}

/** Adds the memory that unloading models would free, distributed evenly over several GPUs. */
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
 * Returns the GPUs that llama.cpp uses: those that its backend reports, without integrated GPUs if there are others.
 *
 * If the backend was not queried, the GPUs are derived from the available packages, which contain a GPU backend for
 * Apple silicon (Metal) and for x64 on Linux and Windows: CUDA if there is an Nvidia GPU (it ignores other GPUs),
 * otherwise Vulkan. Integrated graphics of Intel and AMD are then assumed to be unused.
 */
export function usableGpus({ cpu, gpus }: HardwareSnapshot): GpuInfo[] {
  if (gpus.some(({ backend }) => backend !== undefined)) {
    const used = gpus.filter((gpu) => (gpu.backend ?? null) !== null && gpu.totalVram > 0);
    const withOwnMemory = used.filter(({ sharedMemory }) => !sharedMemory);
    return withOwnMemory.length > 0 ? withOwnMemory : used;
  }
  if (cpu.platform === 'darwin') return cpu.architecture === 'arm64' ? gpus.filter(isApple).slice(0, 1) : [];
  if (cpu.architecture !== 'x64') return [];
  const own = gpus.filter((gpu) => !gpu.sharedMemory && gpu.totalVram > 0);
  const nvidia = own.filter(({ vendor }) => vendor === 'nvidia');
  return nvidia.length > 0 ? nvidia : own;
}

function isApple({ vendor }: GpuInfo): boolean {
  return vendor === 'apple';
}
