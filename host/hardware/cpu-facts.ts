import { parseCpuInfo } from './cpuinfo.ts';
import type { Machine } from './machine.ts';
import type { CpuFacts } from './types.ts';
import { within } from './within.ts';

/** How long systeminformation may take for the CPU, milliseconds: on Windows it starts PowerShell, which takes seconds. */
const PROBE_TIMEOUT_MS = 10_000;

/** Finds out what the CPU is. */
export async function cpuFacts(machine: Machine): Promise<CpuFacts> {
  const facts = machine.platform === 'linux' ? await linuxFacts(machine) : await otherFacts(machine);
  const threads = Math.max(1, Math.min(facts.threads, machine.usableThreads));
  return { ...facts, threads, cores: Math.max(1, Math.min(facts.cores, threads)) };
}

async function linuxFacts({ platform, architecture, readText, brand }: Machine): Promise<CpuFacts> {
  const told = parseCpuInfo((await readText('/proc/cpuinfo')) ?? '');
  const siblings = await readText('/sys/devices/system/cpu/cpu0/topology/thread_siblings_list');
  // Arm has few CPUs with several threads to a core, and tells of them only here.
  const perCore = architecture === 'arm64' && siblings !== undefined ? countList(siblings) : 1;
  return {
    ...told,
    platform,
    architecture,
    modelName: told.modelName || brand,
    cores: Math.max(1, Math.floor(told.cores / perCore)),
  };
}

/**
 * macOS and Windows: neither lists all of a CPU's features, so `flags` is empty there. Windows tells family, model and
 * stepping in `PROCESSOR_IDENTIFIER`.
 */
async function otherFacts(machine: Machine): Promise<CpuFacts> {
  const { platform, architecture, env, brand, usableThreads } = machine;
  const { cpu } = await machine.systemInformation();
  const told = await within(cpu(), PROBE_TIMEOUT_MS, 'systeminformation.cpu');
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

/** How many CPUs a list of the kernel's names: `0,64` or `0-3`. */
function countList(list: string): number {
  const count = list
    .trim()
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
  return Math.max(1, count || 1);
}

function number(text: string): number | null {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? null : value;
}
