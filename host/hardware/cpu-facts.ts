import { defined } from '../common/defined.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { countList } from './cpu-list.ts';
import { parseCpuInfo } from './cpuinfo.ts';
import type { Machine } from './machine.ts';
import type { CpuFacts } from './types.ts';

/** How long systeminformation may take for the CPU, milliseconds: on Windows it starts PowerShell, which takes seconds. */
const PROBE_TIMEOUT_MS = 10_000;

/** Finds out what the CPU is. */
export async function cpuFacts(machine: Machine): Promise<CpuFacts> {
  const facts = machine.platform === 'linux' ? await linuxFacts(machine) : await otherFacts(machine);
  const threads = Math.max(1, Math.min(facts.threads, machine.usableThreads));
  const cores = Math.max(1, Math.min(facts.cores, threads));
  const { quickCores, ...rest } = facts;
  const isHybrid = quickCores !== undefined && quickCores > 0 && quickCores < cores;
  return { ...rest, threads, cores, ...(isHybrid ? { quickCores } : {}) };
}

async function linuxFacts({ platform, architecture, readText, brand }: Machine): Promise<CpuFacts> {
  const told = parseCpuInfo((await readText('/proc/cpuinfo')) ?? '');
  const siblings = await readText('/sys/devices/system/cpu/cpu0/topology/thread_siblings_list');
  // Arm has few CPUs with several threads to a core, and tells of them only here.
  const threadsPerCore = siblings === undefined ? 1 : countList(siblings);
  const perCore = architecture === 'arm64' ? threadsPerCore : 1;
  const quickThreads =
    architecture === 'arm64'
      ? await quickArmCpus(told.threads, readText)
      : await readText('/sys/devices/cpu_core/cpus');
  const quickCores =
    typeof quickThreads === 'string' ? Math.floor(countList(quickThreads) / threadsPerCore) : quickThreads;
  return {
    ...told,
    platform,
    architecture,
    modelName: told.modelName || brand,
    cores: Math.max(1, Math.floor(told.cores / perCore)),
    ...defined({ quickCores }),
  };
}

/** Cores below this part of the fastest one's capacity are of another kind. Middle cores of three kinds count as fast. */
const QUICK_CAPACITY = 0.6;
/** Most CPUs asked for their capacity: no machine with cores of several kinds has more. */
const MAX_CAPACITIES = 64;

/** CPUs of the fast kind, by what Linux says they can do (`cpu_capacity`, 1024 for the fastest); undefined where it does not. */
async function quickArmCpus(cpus: number, readText: Machine['readText']): Promise<number | undefined> {
  if (cpus > MAX_CAPACITIES) return undefined;
  const capacities = await Promise.all(
    Array.from({ length: cpus }, async (_, cpu) =>
      Number((await readText(`/sys/devices/system/cpu/cpu${cpu}/cpu_capacity`)) ?? Number.NaN),
    ),
  );
  if (!capacities.every((capacity) => capacity > 0)) return undefined;
  const fastest = Math.max(...capacities);
  return capacities.filter((capacity) => capacity >= QUICK_CAPACITY * fastest).length;
}

/**
 * macOS and Windows: neither lists all of a CPU's features, so `flags` is empty there. Windows tells family, model and
 * stepping in `PROCESSOR_IDENTIFIER`.
 */
async function otherFacts(machine: Machine): Promise<CpuFacts> {
  const { platform, architecture, env, brand, usableThreads } = machine;
  const { cpu } = await machine.systemInformation();
  const told = await withTimeout(cpu(), PROBE_TIMEOUT_MS, 'systeminformation.cpu');
  const windows = parseProcessorIdentifier(env?.PROCESSOR_IDENTIFIER ?? '');
  const isX86 = architecture === 'x64' || architecture === 'ia32';
  return {
    platform,
    architecture,
    vendor: windows?.vendor ?? told.vendor,
    modelName: brand || `${told.manufacturer} ${told.brand}`,
    family: isX86 ? (windows?.family ?? number(told.family)) : null,
    model: isX86 ? (windows?.model ?? number(told.model)) : null,
    stepping: isX86 ? (windows?.stepping ?? number(told.stepping)) : null,
    part: null,
    flags: [],
    cores: told.physicalCores || usableThreads,
    threads: told.cores || usableThreads,
    ...(told.efficiencyCores !== undefined && told.efficiencyCores > 0 && told.performanceCores !== undefined
      ? { quickCores: told.performanceCores }
      : {}),
  };
}

/** Reads `Intel64 Family 6 Model 151 Stepping 2, GenuineIntel`; undefined for anything else. */
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
