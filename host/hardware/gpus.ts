import type { Systeminformation } from 'systeminformation';
import type { GpuInfo } from './types.ts';

/** Bytes in a mebibyte, the unit in which systeminformation gives VRAM. */
const MiB = 1024 * 1024;

/** Adapters that only draw a (virtual) screen: of servers' management chips and of hypervisors. */
const DISPLAY_ONLY =
  /\b(cirrus|qxl|bochs|virtio|vmware|virtualbox|hyper-v|microsoft basic|aspeed|matrox|parallels|red hat)\b/i;

type Controller = Pick<
  Systeminformation.GraphicsControllerData,
  'vendor' | 'model' | 'vram' | 'vramDynamic' | 'memoryTotal' | 'memoryFree' | 'name' | 'driverVersion'
>;

/** Makes GPUs of what systeminformation tells of graphics controllers; those that cannot compute are left out. */
export function gpusFrom(controllers: readonly Controller[], memory: { total: number; available: number }): GpuInfo[] {
  return controllers
    .filter(({ vendor = '', model = '', name = '' }) => !DISPLAY_ONLY.test(`${vendor} ${model} ${name}`))
    .map((controller) => gpuFrom(controller, memory))
    .filter((gpu) => gpu !== undefined)
    .sort((a, b) => Number(a.sharedMemory) - Number(b.sharedMemory) || b.totalVram - a.totalVram);
}

function gpuFrom(controller: Controller, memory: { total: number; available: number }): GpuInfo | undefined {
  const name = controller.name || controller.model;
  if (!name) return undefined;
  const vendor = vendorOf(`${controller.vendor} ${controller.model}`);
  const driver = controller.driverVersion ? { driver: controller.driverVersion } : {};
  const total = (controller.memoryTotal ?? controller.vram ?? 0) * MiB;
  // Apple's GPUs, and those inside a processor, use the main memory.
  if (vendor === 'apple' || controller.vramDynamic || total === 0) {
    return { name, vendor, totalVram: memory.total, availableVram: memory.available, sharedMemory: true, ...driver };
  }
  const free = controller.memoryFree === undefined ? total : controller.memoryFree * MiB;
  return { name, vendor, totalVram: total, availableVram: Math.min(free, total), sharedMemory: false, ...driver };
}

function vendorOf(text: string): GpuInfo['vendor'] {
  if (/nvidia/i.test(text)) return 'nvidia';
  if (/\b(amd|ati|advanced micro devices|radeon)\b/i.test(text)) return 'amd';
  if (/intel/i.test(text)) return 'intel';
  return /apple/i.test(text) ? 'apple' : 'other';
}
