import * as os from 'node:os';
import { sum } from '../common/sum.ts';
import { parseCpuList } from './cpu-list.ts';
import { type ReadText, readText } from './read-text.ts';
import type { CpuLoad } from './threads.ts';

/** CPU time used since the start of the computer, on the CPUs that this process may use, and by this process. */
export interface CpuTime {
  /** Total of all CPUs, in milliseconds. */
  readonly busyMs: number;
  /** CPU time of this process, including all threads, in milliseconds. */
  readonly ownMs: number;
  /** Number of CPUs. */
  readonly cpus: number;
  /** Time of the reading, in milliseconds of a monotonic clock. */
  readonly atMs: number;
}

/** Length of a tick in `/proc/stat`, in milliseconds: USER_HZ is 100 on every architecture that Node.js supports. */
const TICK_MS = 10;

/** Source of the times. */
export interface CpuTimeSource {
  readonly platform: string;
  readonly readText: ReadText;
  cpus(): readonly { readonly times: { readonly idle: number } & Readonly<Record<string, number>> }[];
  /** CPU time of this process, in microseconds. */
  usage(): { readonly user: number; readonly system: number };
  now(): number;
}

/** Returns the source of the times of this computer. */
export function ownCpuTimes(): CpuTimeSource {
  return {
    platform: process.platform,
    readText,
    cpus: () => os.cpus(),
    usage: () => process.cpuUsage(),
    now: () => performance.now(),
  };
}

/** Reads the times; undefined if the system does not report them. */
export async function readCpuTime(source: CpuTimeSource): Promise<CpuTime | undefined> {
  const busy = source.platform === 'linux' ? await linuxBusy(source) : otherBusy(source);
  if (busy === undefined) return undefined;
  const { user, system } = source.usage();
  return { ...busy, ownMs: (user + system) / 1000, atMs: source.now() };
}

/**
 * Returns the load between two readings; undefined if no time has passed between them or the number of CPUs changed.
 */
export function cpuLoad(before: CpuTime, after: CpuTime): CpuLoad | undefined {
  const ms = after.atMs - before.atMs;
  if (ms <= 0 || before.cpus !== after.cpus) return undefined;
  const all = (after.busyMs - before.busyMs) / ms;
  const own = (after.ownMs - before.ownMs) / ms;
  const bounded = (cpus: number) => Math.min(after.cpus, Math.max(0, cpus));
  return { own: bounded(own), others: bounded(all - own), idle: bounded(after.cpus - all), cpus: after.cpus };
}

/**
 * Reads the times from `/proc`. `os.cpus()` would also read the clock rate of every CPU, which takes milliseconds on
 * large computers.
 */
async function linuxBusy({ readText }: CpuTimeSource): Promise<{ busyMs: number; cpus: number } | undefined> {
  const [stat = '', status = ''] = await Promise.all([readText('/proc/stat'), readText('/proc/self/status')]);
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  const allowed = list === undefined ? undefined : new Set(parseCpuList(list));
  let ticks = 0;
  let cpus = 0;
  for (const [, number, line = ''] of stat.matchAll(/^cpu(\d+) (.*)$/gm)) {
    if (allowed !== undefined && !allowed.has(Number(number))) continue;
    // User time includes guest time. Time stolen by the hypervisor counts as time of other processes.
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line.trim().split(/\s+/).map(Number);
    ticks += user + nice + system + irq + softIrq + steal;
    cpus += 1;
  }
  return cpus === 0 || Number.isNaN(ticks) ? undefined : { busyMs: ticks * TICK_MS, cpus };
}

function otherBusy({ cpus }: CpuTimeSource): { busyMs: number; cpus: number } | undefined {
  const all = cpus();
  const busyMs = sum(all.map(({ times }) => sum(Object.values(times)) - times.idle));
  return all.length === 0 ? undefined : { busyMs, cpus: all.length };
}
