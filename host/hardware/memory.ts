import * as os from 'node:os';
import { withTimeout } from '../common/with-timeout.ts';
import { memoryLimits } from './cgroup.ts';
import type { Machine } from './machine.ts';
import type { ReadText } from './read-text.ts';
import type { MemoryInfo } from './types.ts';

/** How long macOS may take to tell, milliseconds: `vm_stat` answers in some ten. */
const PROBE_TIMEOUT_MS = 3_000;

/** Main memory: all there is, and what a program can still have without swapping. */
export async function memoryInfo(machine: Machine): Promise<MemoryInfo> {
  if (machine.platform === 'linux') return linuxMemory(machine.readText);
  if (machine.platform === 'darwin') {
    const { mem } = await machine.systemInformation();
    const { total, available } = await withTimeout(mem(), PROBE_TIMEOUT_MS, 'systeminformation.mem');
    return { total, available: Math.min(available, total) };
  }
  // Windows: libuv asks for `ullAvailPhys`, which is what is available, not only what lies idle.
  return { total: os.totalmem(), available: os.freemem() };
}

/** `/proc/meminfo`, and the limits of the container this process may be in. */
async function linuxMemory(readText: ReadText): Promise<MemoryInfo> {
  const [text = '', limits] = await Promise.all([readText('/proc/meminfo'), memoryLimits(readText)]);
  const { total, available } = parseMemInfo(text) ?? { total: os.totalmem(), available: os.freemem() };
  return {
    total: Math.min(total, ...limits.map(({ limit }) => limit)),
    available: Math.min(available, ...limits.map((limit) => limit.available)),
  };
}

/** Reads `/proc/meminfo`, which counts in KiB; undefined where it lacks one of the two figures (kernels before 3.14). */
export function parseMemInfo(text: string): MemoryInfo | undefined {
  const bytes = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const total = bytes('MemTotal');
  const available = bytes('MemAvailable');
  return total === undefined || available === undefined ? undefined : { total, available };
}
