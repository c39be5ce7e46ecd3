import { defined } from '../common/defined.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { countCpus } from './cpu-list.ts';
import { parseCpuInfo } from './cpuinfo.ts';
import type { Machine } from './machine.ts';
import type { CpuFacts } from './types.ts';

/**
 * Time limit for systeminformation's CPU query, in milliseconds. On Windows it starts PowerShell, which takes seconds.
 */
const PROBE_TIMEOUT_MS = 10_000;

/** Detects the CPU. Rejects if the system does not respond in time. */
export async function cpuFacts(machine: Machine): Promise<CpuFacts> {
  const facts = machine.platform === 'linux' ? await linuxFacts(machine) : await otherFacts(machine);
  const threads = Math.max(1, Math.min(facts.threads, machine.usableThreads));
  const cores = Math.max(1, Math.min(facts.cores, threads));
  const { performanceCores, ...rest } = facts;
  const isHybrid = performanceCores !== undefined && performanceCores > 0 && performanceCores < cores;
  return { ...rest, threads, cores, ...(isHybrid ? { performanceCores } : {}) };
}

/** Returns the information about the CPU that Node.js and the environment provide. */
export function basicCpuFacts({ platform, architecture, env, brand, usableThreads }: Machine): CpuFacts {
  const windows = parseProcessorIdentifier(env?.PROCESSOR_IDENTIFIER ?? '');
  return {
    platform,
    architecture,
    vendor: windows?.vendor ?? '',
    modelName: brand,
    family: windows?.family ?? null,
    model: windows?.model ?? null,
    stepping: windows?.stepping ?? null,
    part: null,
    flags: [],
    cores: usableThreads,
    threads: usableThreads,
  };
}

async function linuxFacts({ platform, architecture, readText, brand }: Machine): Promise<CpuFacts> {
  const reported = parseCpuInfo((await readText('/proc/cpuinfo')) ?? '');
  const siblings = await readText('/sys/devices/system/cpu/cpu0/topology/thread_siblings_list');
  // Few Arm CPUs have several threads per core; only this file contains their number.
  const threadsPerCore = siblings === undefined ? 1 : countCpus(siblings);
  const perCore = architecture === 'arm64' ? threadsPerCore : 1;
  const performanceThreads =
    architecture === 'arm64'
      ? await countArmPerformanceCores(reported.threads, readText)
      : await readText('/sys/devices/cpu_core/cpus');
  const performanceCores =
    typeof performanceThreads === 'string'
      ? Math.floor(countCpus(performanceThreads) / threadsPerCore)
      : performanceThreads;
  return {
    ...reported,
    platform,
    architecture,
    modelName: reported.modelName || brand,
    cores: Math.max(1, Math.floor(reported.cores / perCore)),
    ...defined({ performanceCores }),
  };
}

/**
 * Fraction of the fastest core's capacity below which a core is an efficiency core. With three kinds of cores, the
 * middle ones count as performance cores.
 */
const PERFORMANCE_CAPACITY = 0.6;
/** Maximum number of CPUs whose capacity is read: no computer with several kinds of cores has more. */
const MAX_CAPACITIES = 64;

/**
 * Returns the number of performance cores according to Linux (`cpu_capacity`, 1024 for the fastest core); undefined if
 * Linux does not report capacities.
 */
async function countArmPerformanceCores(cpus: number, readText: Machine['readText']): Promise<number | undefined> {
  if (cpus > MAX_CAPACITIES) return undefined;
  const capacities = await Promise.all(
    Array.from({ length: cpus }, async (_, cpu) =>
      Number((await readText(`/sys/devices/system/cpu/cpu${cpu}/cpu_capacity`)) ?? Number.NaN),
    ),
  );
  if (!capacities.every((capacity) => capacity > 0)) return undefined;
  const fastest = Math.max(...capacities);
  return capacities.filter((capacity) => capacity >= PERFORMANCE_CAPACITY * fastest).length;
}

/**
 * Detects the CPU on macOS and Windows. Neither lists all CPU features, so `flags` is empty. On Windows,
 * `PROCESSOR_IDENTIFIER` contains family, model and stepping.
 */
async function otherFacts(machine: Machine): Promise<CpuFacts> {
  const { platform, architecture, env, brand, usableThreads } = machine;
  const { cpu } = await machine.systemInformation();
  const reported = await withTimeout(cpu(), PROBE_TIMEOUT_MS, 'systeminformation.cpu');
  const windows = parseProcessorIdentifier(env?.PROCESSOR_IDENTIFIER ?? '');
  const isX86 = architecture === 'x64' || architecture === 'ia32';
  return {
    platform,
    architecture,
    vendor: windows?.vendor ?? reported.vendor,
    modelName: brand || `${reported.manufacturer} ${reported.brand}`.trim(),
    family: isX86 ? (windows?.family ?? number(reported.family)) : null,
    model: isX86 ? (windows?.model ?? number(reported.model)) : null,
    stepping: isX86 ? (windows?.stepping ?? number(reported.stepping)) : null,
    part: null,
    flags: [],
    cores: reported.physicalCores || usableThreads,
    threads: reported.cores || usableThreads,
    ...(reported.efficiencyCores !== undefined &&
    reported.efficiencyCores > 0 &&
    reported.performanceCores !== undefined
      ? { performanceCores: reported.performanceCores }
      : {}),
  };
}

/** Parses a text such as `Intel64 Family 6 Model 151 Stepping 2, GenuineIntel`. Returns undefined for anything else. */
export function parseProcessorIdentifier(
  text: string,
): { vendor: string; family: number; model: number; stepping: number } | undefined {
  const found = /Family (\d+) Model (\d+) Stepping (\d+), (\w+)/.exec(text);
  const [, family, model, stepping, vendor] = found ?? [];
  if (vendor === undefined) return undefined;
  return { vendor, family: Number(family), model: Number(model), stepping: Number(stepping) };
}

function number(text: string): number | null {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? null : value;
}
