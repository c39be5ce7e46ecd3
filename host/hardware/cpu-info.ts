import type { CpuFacts } from './types.ts';

/** What /proc/cpuinfo tells; the number of cores is the physical ones'. */
export type ParsedCpuInfo = Omit<CpuFacts, 'platform' | 'architecture'>;

/** Names of the companies behind "CPU implementer". Source: Linux, arch/arm64/include/asm/cputype.h. */
const ARM_IMPLEMENTERS: Readonly<Record<number, string>> = {
  65: 'ARM',
  66: 'Broadcom',
  67: 'Cavium',
  70: 'Fujitsu',
  72: 'HiSilicon',
  78: 'NVIDIA',
  81: 'Qualcomm',
  97: 'Apple',
  109: 'Microsoft',
  192: 'Ampere',
};

/** Reads the text of /proc/cpuinfo, of x86 or Arm. What is not in it is null or empty. */
export function parseCpuInfo(text: string): ParsedCpuInfo {
  const processors = text
    .split(/\n\s*\n/)
    .map(
      (block) =>
        new Map(
          [...block.matchAll(/^([^\t:]+?)\s*:[ \t]*(.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()]),
        ),
    )
    .filter((fields) => fields.has('processor'));
  const [first = new Map<string, string>()] = processors;
  const number = (key: string) => {
    const value = first.get(key);
    return value === undefined || value === '' || Number.isNaN(Number(value)) ? null : Number(value);
  };
  const implementer = number('CPU implementer');
  return {
    vendor: first.get('vendor_id') ?? (implementer === null ? '' : (ARM_IMPLEMENTERS[implementer] ?? '')),
    modelName: first.get('model name') ?? first.get('Model') ?? '',
    family: number('cpu family'),
    model: number('model') ?? number('CPU part'),
    stepping: number('stepping'),
    flags: (first.get('flags') ?? first.get('Features') ?? '').toLowerCase().split(/\s+/).filter(Boolean),
    cores: physicalCores(processors),
    threads: processors.length,
  };
}

/** Threads of one core share socket and core id. Where these are not told (Arm, some hypervisors), each is a core. */
function physicalCores(processors: readonly Map<string, string>[]): number {
  const cores = new Set(
    processors.map((fields, index) =>
      fields.has('core id') ? `${fields.get('physical id') ?? 0}/${fields.get('core id')}` : `#${index}`,
    ),
  );
  return cores.size;
}
