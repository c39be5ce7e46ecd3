import { readFile } from 'node:fs/promises';
import { freemem, platform, totalmem } from 'node:os';
import type { MemoryInfo } from './types.ts';

/** Memory now: what there is, and what a program can still have. Limits of a container count where they are lower. */
export async function detectMemory(): Promise<MemoryInfo> {
  if (platform() === 'linux') {
    const machine = parseMemInfo(await readFile('/proc/meminfo', 'utf8'));
    return limited(machine ?? { total: totalmem(), available: freemem() }, await readCgroup());
  }
  const { mem } = await import('systeminformation');
  const { total, available } = await mem();
  return { total, available };
}

/** Reads the text of /proc/meminfo: `MemTotal` and `MemAvailable`, which counts what caches would give back. */
export function parseMemInfo(text: string): MemoryInfo | undefined {
  const bytes = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const total = bytes('MemTotal');
  const available = bytes('MemAvailable');
  return total === undefined || available === undefined ? undefined : { total, available };
}

/** A container's limit and what it uses of it, bytes. */
export interface CgroupMemory {
  readonly limit: number;
  readonly used: number;
}

/** The stricter of the machine's memory and a container's. */
export function limited(machine: MemoryInfo, cgroup: CgroupMemory | undefined): MemoryInfo {
  if (cgroup === undefined || cgroup.limit >= machine.total) return machine;
  const available = Math.max(0, cgroup.limit - cgroup.used);
  return { total: cgroup.limit, available: Math.min(machine.available, available) };
}

/** Where the kernel tells a process of its own limit: version 2 of control groups, then version 1. */
const CGROUP_FILES: readonly (readonly [limit: string, used: string])[] = [
  ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory.current'],
  ['/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/memory/memory.usage_in_bytes'],
];

async function readCgroup(): Promise<CgroupMemory | undefined> {
  for (const [limitFile, usedFile] of CGROUP_FILES) {
    const [limit, used] = await Promise.all([readNumber(limitFile), readNumber(usedFile)]);
    if (limit !== undefined && used !== undefined) return { limit, used };
  }
  return undefined;
}

async function readNumber(file: string): Promise<number | undefined> {
  // Most machines have none of these files, and "max" stands for no limit.
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
