import type { BackendGpus, GpuInfo, MemoryInfo } from './types.ts';

/** A GPU as the system reports it. Sizes are in bytes; null if the GPU has no dedicated memory. */
export type DetectedGpu = Omit<GpuInfo, 'totalVram' | 'availableVram'> & {
  readonly totalVram: number | null;
  readonly availableVram: number | null;
};

/** Memory size above which Metal lets a GPU use three quarters instead of two thirds of the memory, in bytes. */
const LARGE_MAC = 32 * 1024 ** 3;

/** Computes the memory sizes of GPUs that share the main memory. */
export function resolveGpuMemory(gpus: readonly DetectedGpu[], memory: MemoryInfo): GpuInfo[] {
  return gpus.map((gpu) => {
    const totalVram = gpu.totalVram ?? Math.floor(memory.total * sharedMemoryRatio(gpu, memory));
    return { ...gpu, totalVram, availableVram: Math.min(totalVram, gpu.availableVram ?? memory.available) };
  });
}

/**
 * Returns the fraction of the main memory that a GPU may use. Apple: Metal's `recommendedMaxWorkingSetSize`, as logged
 * by llama.cpp on Macs with 8 to 192 GB. Nvidia (GB10, Jetson): all. Other integrated GPUs: half, the limit of Windows
 * and of Linux's translation tables (`amdgpu.gttsize`).
 */
function sharedMemoryRatio({ vendor }: DetectedGpu, { total }: MemoryInfo): number {
  if (vendor === 'apple') return total > LARGE_MAC ? 3 / 4 : 2 / 3;
  return vendor === 'nvidia' ? 1 : 1 / 2;
}

/**
 * Merges the GPUs that llama.cpp's backend reports with those that the system reports. The backend determines which
 * GPUs llama.cpp can use; the system has more information about each: dedicated memory, free memory, driver.
 *
 * @param backend null if llama.cpp has no GPU; undefined if it was not queried. The list is then returned unchanged.
 */
export function withBackend(found: readonly DetectedGpu[], backend: BackendGpus | null | undefined): DetectedGpu[] {
  if (backend === undefined) return [...found];
  const rest = [...found];
  const names = backend?.names ?? [];
  const matched = names.map((name) => {
    const vendor = vendorOf(name);
    const index = rest.findIndex((gpu) => isSame(gpu.name, name));
    const at = index >= 0 ? index : rest.findIndex((gpu) => vendor !== 'other' && gpu.vendor === vendor);
    return at < 0 ? undefined : rest.splice(at, 1)[0];
  });
  const memory = backend?.memory ?? { total: 0, free: 0, isShared: false };
  const left = (what: 'totalVram' | 'availableVram', whole: number) =>
    Math.max(0, whole - matched.reduce((sum, gpu) => sum + (gpu?.[what] ?? 0), 0));
  const unknown = Math.max(1, matched.filter((gpu) => gpu === undefined).length);
  const used = names.map((name, index): DetectedGpu => {
    const gpu = matched[index];
    if (gpu !== undefined) return { ...gpu, backend: backend?.backend ?? null };
    return {
      name,
      vendor: vendorOf(name),
      totalVram: Math.floor(left('totalVram', memory.total) / unknown),
      availableVram: Math.floor(left('availableVram', memory.free) / unknown),
      sharedMemory: memory.isShared,
      backend: backend?.backend ?? null,
    };
  });
  return [...used, ...rest.map((gpu) => ({ ...gpu, backend: null }))];
}

/** Returns whether two names denote the same GPU: drivers add their own name, or omit the vendor. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((name) =>
    name
      .toLowerCase()
      .replaceAll(/\((r|tm)\)/g, '')
      .replaceAll(/[^a-z0-9]+/g, ''),
  );
  return a !== undefined && b !== undefined && a !== '' && b !== '' && (a.includes(b) || b.includes(a));
}

function vendorOf(name: string): GpuInfo['vendor'] {
  if (/nvidia|geforce|quadro|tesla/i.test(name)) return 'nvidia';
  if (/\bamd\b|radeon|\bradv\b/i.test(name)) return 'amd';
  if (/intel/i.test(name)) return 'intel';
  return /apple/i.test(name) ? 'apple' : 'other';
}
