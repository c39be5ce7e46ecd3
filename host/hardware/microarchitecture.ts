import { ARM_CORES } from './arm-cores.ts';
import type { CpuFacts } from './types.ts';
import { AMD_MODELS, type CpuModel, INTEL_MODELS } from './x86-models.ts';

const X86_TABLES: Readonly<Record<string, readonly CpuModel[]>> = {
  GenuineIntel: INTEL_MODELS,
  AuthenticAMD: AMD_MODELS,
  HygonGenuine: AMD_MODELS,
};

/**
 * Matches the generation in the brand of an Apple CPU, such as `Apple M2 Pro`. The suffix affects only the number of
 * cores.
 */
const APPLE_GENERATION = /\bApple (M\d+)\b/;

/**
 * Returns the CPU's microarchitecture (`Zen 4`, `Sapphire Rapids`, `Neoverse V1`, `Apple M2`), or null if it is not in
 * the tables.
 */
export function microarchitecture(facts: CpuFacts): string | null {
  if (facts.architecture === 'x64' || facts.architecture === 'ia32') return x86Model(facts)?.name ?? null;
  const apple = APPLE_GENERATION.exec(facts.modelName)?.[1];
  if (apple !== undefined) return `Apple ${apple}`;
  return (facts.part === null ? undefined : ARM_CORES[facts.vendor]?.[facts.part]) ?? null;
}

/** Returns the table row of an x86 CPU; undefined if it is not in the tables. */
export function x86Model({ vendor, family, model, stepping, modelName }: CpuFacts): CpuModel | undefined {
  if (family === null || model === null) return undefined;
  return X86_TABLES[vendor]?.find(
    (row) =>
      row.family === family &&
      row.models.some((range) => isWithin(model, range)) &&
      (row.steppings === undefined || (stepping !== null && isWithin(stepping, row.steppings))) &&
      (row.brand === undefined || row.brand.test(modelName)),
  );
}

function isWithin(value: number, [first, last]: readonly [number, number]): boolean {
  return first <= value && value <= last;
}
