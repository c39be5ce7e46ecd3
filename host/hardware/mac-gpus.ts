import type { Systeminformation } from 'systeminformation';
import type { DetectedGpu } from './found-gpu.ts';

const MiB = 1024 * 1024;

/** Returns the GPUs of a Mac from systeminformation's list of graphics controllers (macOS's system_profiler). */
export function macGpus(controllers: readonly Systeminformation.GraphicsControllerData[]): DetectedGpu[] {
  return controllers.flatMap(({ model, vendor: maker, vram, vramDynamic }): DetectedGpu[] => {
    const vendor = vendorOf(`${maker} ${model}`);
    if (vendor === undefined) return [];
    const shared = vendor === 'apple' || vendor === 'intel' || vramDynamic;
    if (!shared && !vram) return [];
    const bytes = shared ? null : (vram ?? 0) * MiB;
    return [{ name: model, vendor, totalVram: bytes, availableVram: bytes, sharedMemory: shared }];
  });
}

/** Returns the vendor of a GPU; undefined for virtual adapters (VMware, Parallels, Apple's paravirtual GPU). */
function vendorOf(name: string): DetectedGpu['vendor'] | undefined {
  if (/paravirtual|vmware|virtual|parallels/i.test(name)) return undefined;
  if (/apple m\d/i.test(name)) return 'apple';
  if (/\bamd\b|\bati\b|radeon/i.test(name)) return 'amd';
  if (/intel/i.test(name)) return 'intel';
  return /nvidia|geforce/i.test(name) ? 'nvidia' : undefined;
}
