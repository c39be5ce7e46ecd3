import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform } from 'node:os';
import { parseCpuInfo } from './cpu-info.ts';
import { microarchitecture } from './microarchitecture.ts';
import type { CpuFacts, CpuInfo } from './types.ts';
import { cpuVariant } from './variant.ts';

/** Looks at this machine's CPU. What cannot be found out is null, empty, or what Node says. */
export async function detectCpu(): Promise<CpuInfo> {
  const facts = bounded(platform() === 'linux' ? await linuxFacts() : await otherFacts());
  return { ...facts, microarchitecture: microarchitecture(facts), variant: cpuVariant(facts) };
}

async function linuxFacts(): Promise<CpuFacts> {
  const parsed = parseCpuInfo(await readFile('/proc/cpuinfo', 'utf8'));
  const modelName = parsed.modelName || (cpus()[0]?.model ?? '');
  return { ...parsed, modelName, architecture: arch(), platform: platform() };
}

/** macOS and Windows, through systeminformation. Windows tells family and model, but hardly any flags. */
async function otherFacts(): Promise<CpuFacts> {
  const { cpu, cpuFlags } = await import('systeminformation');
  const [info, flags] = await Promise.all([cpu(), cpuFlags()]);
  return {
    architecture: arch(),
    platform: platform(),
    vendor: info.vendor || info.manufacturer,
    modelName: info.brand.startsWith(info.manufacturer) ? info.brand : `${info.manufacturer} ${info.brand}`.trim(),
    family: numberOf(info.family),
    model: numberOf(info.model),
    stepping: numberOf(info.stepping),
    flags: linuxSpelling(flags),
    cores: info.physicalCores,
    threads: info.cores,
  };
}

/** A container or an affinity mask may give this process fewer CPUs than the machine has. */
function bounded(facts: CpuFacts): CpuFacts {
  const available = availableParallelism();
  const threads = Math.max(1, Math.min(facts.threads || available, available));
  return { ...facts, threads, cores: Math.max(1, Math.min(facts.cores || threads, threads)) };
}

function numberOf(text: string): number | null {
  return text === '' || Number.isNaN(Number(text)) ? null : Number(text);
}

/** macOS writes `avx1.0`, `sse4.2`, `avx512vnni` where Linux has `avx`, `sse4_2`, `avx512_vnni`. */
function linuxSpelling(flags: string): string[] {
  const renamed: Readonly<Record<string, string>> = {
    'avx1.0': 'avx',
    avx512vnni: 'avx512_vnni',
    avx512bf16: 'avx512_bf16',
  };
  return flags
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((flag) => renamed[flag] ?? flag.replace('.', '_'));
}
