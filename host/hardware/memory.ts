import * as os from 'node:os';
import type { Logger } from '../common/log.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { memoryLimits } from './cgroup.ts';
import type { Machine } from './machine.ts';
import type { ReadText } from './read-text.ts';
import type { MemoryInfo } from './types.ts';

/** Time limit for the query on macOS, in milliseconds; `vm_stat` takes about ten. */
const PROBE_TIMEOUT_MS = 3_000;

/** Returns the total main memory, and the memory that programs can use without swapping. */
export async function memoryInfo(machine: Machine, log: Logger): Promise<MemoryInfo> {
  if (machine.platform === 'linux') return linuxMemory(machine.readText);
  if (machine.platform === 'darwin') {
    try {
      const { mem } = await machine.systemInformation();
      const { total, available } = await withTimeout(mem(), PROBE_TIMEOUT_MS, 'systeminformation.mem');
      return { total, available: Math.min(available, total) };
    } catch (error) {
      // The query can time out on a busy Mac. Node.js reports a smaller value: only completely unused memory.
      log.warn('hardware.memory_probe_failed', { error });
    }
  }
  // On Windows, libuv returns `ullAvailPhys`, which is the available memory.
  return { total: os.totalmem(), available: os.freemem() };
}

/** Reads `/proc/meminfo` and the limits of the container, if any. */
async function linuxMemory(readText: ReadText): Promise<MemoryInfo> {
  const [text = '', limits] = await Promise.all([readText('/proc/meminfo'), memoryLimits(readText)]);
  const { total, available } = parseMemInfo(text) ?? { total: os.totalmem(), available: os.freemem() };
  return {
    total: Math.min(total, ...limits.map(({ limit }) => limit)),
    available: Math.min(available, ...limits.map((limit) => limit.available)),
  };
}

/**
 * Parses `/proc/meminfo`, whose unit is KiB. Returns undefined if a value is missing (kernels before 3.14).
 */
export function parseMemInfo(text: string): MemoryInfo | undefined {
  const bytes = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const total = bytes('MemTotal');
  const available = bytes('MemAvailable');
  return total === undefined || available === undefined ? undefined : { total, available };
}
