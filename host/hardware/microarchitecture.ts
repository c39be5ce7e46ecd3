import type { CpuFacts } from './types.ts';

/** Models of Intel's family 6, decimal. Source: Linux, arch/x86/include/asm/intel-family.h. */
const INTEL_FAMILY_6: readonly (readonly [name: string, models: readonly number[]])[] = [
  ['Core', [15, 22, 23, 29]],
  ['Nehalem', [26, 30, 31, 46]],
  ['Westmere', [37, 44, 47]],
  ['Sandy Bridge', [42, 45]],
  ['Ivy Bridge', [58, 62]],
  ['Haswell', [60, 63, 69, 70]],
  ['Broadwell', [61, 71, 79, 86]],
  ['Skylake', [78, 94]],
  ['Kaby Lake', [142, 158]],
  ['Comet Lake', [165, 166]],
  ['Cannon Lake', [102]],
  ['Ice Lake', [125, 126, 157]],
  ['Ice Lake Server', [106, 108]],
  ['Tiger Lake', [140, 141]],
  ['Rocket Lake', [167]],
  ['Lakefield', [138]],
  ['Alder Lake', [151, 154]],
  ['Raptor Lake', [183, 186, 191]],
  ['Meteor Lake', [170, 172]],
  ['Arrow Lake', [197, 198, 181]],
  ['Lunar Lake', [189]],
  ['Panther Lake', [204]],
  ['Sapphire Rapids', [143]],
  ['Emerald Rapids', [207]],
  ['Granite Rapids', [173, 174]],
  ['Bonnell', [28, 38]],
  ['Saltwell', [39, 53, 54]],
  ['Silvermont', [55, 74, 77, 90, 93]],
  ['Airmont', [76]],
  ['Goldmont', [92, 95]],
  ['Goldmont Plus', [122]],
  ['Tremont', [134, 150, 156]],
  ['Gracemont', [190]],
  ['Sierra Forest', [175]],
  ['Grand Ridge', [182]],
  ['Clearwater Forest', [221]],
  ['Knights Landing', [87]],
  ['Knights Mill', [133]],
];

/** From this stepping on, model 85 is Cascade Lake, and from 10 on Cooper Lake. Source: Linux, same file, and Intel's specification updates. */
const SKYLAKE_SERVER = { model: 85, cascadeLake: 5, cooperLake: 10 };

/** AMD, by family and range of models, decimal. Sources: AMD's processor programming references; Linux, arch/x86/kernel/cpu/amd.c. */
const AMD: readonly (readonly [name: string, family: number, first: number, last: number])[] = [
  ['Zen', 23, 0, 7],
  ['Zen+', 23, 8, 15],
  ['Zen', 23, 16, 23],
  ['Zen+', 23, 24, 31],
  ['Zen', 23, 32, 47],
  ['Zen 2', 23, 48, 175],
  ['Zen 3', 25, 0, 15],
  ['Zen 4', 25, 16, 31],
  ['Zen 3', 25, 32, 63],
  ['Zen 3+', 25, 64, 79],
  ['Zen 3', 25, 80, 95],
  ['Zen 4', 25, 96, 175],
  ['Zen 5', 26, 0, 79],
  ['Zen 5', 26, 96, 127],
  ['Piledriver', 21, 2, 2],
  ['Piledriver', 21, 16, 31],
  ['Bulldozer', 21, 0, 1],
  ['Steamroller', 21, 48, 63],
  ['Excavator', 21, 96, 127],
  ['Jaguar', 22, 0, 15],
  ['Puma', 22, 48, 63],
  ['K10', 16, 0, 255],
];

/** Arm's own cores and those of others, by "CPU part" as /proc/cpuinfo shows it. Source: Linux, arch/arm64/include/asm/cputype.h. */
const ARM_PARTS: Readonly<Record<number, string>> = {
  3331: 'Cortex-A53',
  3333: 'Cortex-A55',
  3335: 'Cortex-A57',
  3336: 'Cortex-A72',
  3337: 'Cortex-A73',
  3338: 'Cortex-A75',
  3339: 'Cortex-A76',
  3340: 'Neoverse N1',
  3341: 'Cortex-A77',
  3392: 'Neoverse V1',
  3393: 'Cortex-A78',
  3396: 'Cortex-X1',
  3398: 'Cortex-A510',
  3399: 'Cortex-A710',
  3400: 'Cortex-X2',
  3401: 'Neoverse N2',
  3407: 'Neoverse V2',
  3456: 'Cortex-A520',
  3457: 'Cortex-A720',
  3458: 'Cortex-X4',
  3460: 'Neoverse V3',
  3470: 'Neoverse N3',
};

/**
 * The microarchitecture of a CPU: for x86 from family, model and stepping, for Apple from the name, for other Arm from
 * the core's part number (given as `model`), else the level of the architecture its flags tell. Null when unknown.
 */
export function microarchitecture(facts: CpuFacts): string | null {
  if (facts.architecture === 'x64') return x86(facts);
  const apple = /\bApple (M\d+)\b/.exec(facts.modelName)?.[1];
  if (apple !== undefined) return `Apple ${apple}`;
  if (facts.architecture !== 'arm64') return null;
  return (facts.model === null ? undefined : ARM_PARTS[facts.model]) ?? armLevel(facts.flags);
}

function x86({ vendor, family, model, stepping }: CpuFacts): string | null {
  if (family === null || model === null) return null;
  if (vendor === 'GenuineIntel' && family === 6) {
    if (model === SKYLAKE_SERVER.model) {
      if ((stepping ?? 0) >= SKYLAKE_SERVER.cooperLake) return 'Cooper Lake';
      return (stepping ?? 0) >= SKYLAKE_SERVER.cascadeLake ? 'Cascade Lake' : 'Skylake Server';
    }
    return INTEL_FAMILY_6.find(([, models]) => models.includes(model))?.[0] ?? null;
  }
  if (vendor === 'AuthenticAMD' || vendor === 'HygonGenuine') {
    return AMD.find(([, of, first, last]) => family === of && model >= first && model <= last)?.[0] ?? null;
  }
  return null;
}

/** SVE2 came with Armv9; the dot product with 8.2 (optional) and is in every 8.4. Source: Arm Architecture Reference Manual. */
function armLevel(flags: readonly string[]): string | null {
  if (flags.includes('sve2')) return 'Armv9-A';
  if (flags.includes('asimddp')) return 'Armv8.2-A';
  return flags.includes('asimd') ? 'Armv8-A' : null;
}
