import { ARM_IMPLEMENTERS } from './arm-cores.ts';
import type { CpuFacts } from './types.ts';

/** CPU information from `/proc/cpuinfo`. The numbers of cores and threads are those of the whole computer. */
export type CpuInfoFile = Omit<CpuFacts, 'architecture' | 'platform'>;

/** Parses `/proc/cpuinfo`. It lists packages and cores only on x86, so on Arm every thread counts as a core. */
export function parseCpuInfo(text: string): CpuInfoFile {
  const blocks = text.split(/\n\s*\n/).map(fieldsOf);
  const processors = blocks.filter((fields) => fields.has('processor'));
  const [first = new Map<string, string>()] = processors;
  const threads = Math.max(1, processors.length);
  const parts = processors.map((fields) => integer(fields.get('CPU part'))).filter((part) => part !== null);
  return {
    vendor: first.get('vendor_id') ?? ARM_IMPLEMENTERS[integer(first.get('CPU implementer')) ?? -1] ?? 'unknown',
    // On a Raspberry Pi, the board's name is in a separate block after the processors.
    modelName: first.get('model name') ?? blocks.at(-1)?.get('Model') ?? '',
    family: integer(first.get('cpu family')),
    model: integer(first.get('model')),
    stepping: integer(first.get('stepping')),
    // In all CPUs with several kinds of cores, the newer design is the faster one.
    part: parts.length === 0 ? null : Math.max(...parts),
    flags: commonFlags(processors),
    cores: Math.min(threads, coreCount(processors) || threads),
    threads,
  };
}

function fieldsOf(block: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return fields;
}

/** Returns the flags that all processors have, because the system may move a program between them at any time. */
function commonFlags(processors: readonly Map<string, string>[]): string[] {
  const [first = [], ...others] = processors.map((fields) =>
    (fields.get('flags') ?? fields.get('Features') ?? '').split(/\s+/),
  );
  const sets = others.map((flags) => new Set(flags));
  return first.filter((flag) => flag !== '' && sets.every((set) => set.has(flag))).map((flag) => flag.toLowerCase());
}

/** Returns the number of distinct pairs of package and core; 0 if they are not listed. */
function coreCount(processors: readonly Map<string, string>[]): number {
  const cores = processors.map((fields) => `${fields.get('physical id')}/${fields.get('core id')}`);
  return cores.some((core) => core.includes('undefined')) ? 0 : new Set(cores).size;
}

/** Parses a decimal or (with `0x`) hexadecimal integer. Returns null for anything else. */
function integer(text: string | undefined): number | null {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) ? value : null;
}
