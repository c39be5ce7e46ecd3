/** A row of a CPU table. */
export interface CpuModel {
  /** The manufacturer's name for the generation: `Zen 4`, `Sapphire Rapids`. */
  readonly name: string;
  /** The ggml build to use if the operating system does not list the CPU flags. */
  readonly variant: string;
  /** CPUID family. */
  readonly family: number;
  /** Inclusive ranges of CPUID models. */
  readonly models: readonly (readonly [first: number, last: number])[];
  /** Inclusive range of steppings. Default: all. */
  readonly steppings?: readonly [first: number, last: number];
  /** Pattern of the brand string. Default: any. */
  readonly brand?: RegExp;
}

/**
 * AMD's CPUs (and Hygon's, family 24) by CPUID family and model. Source for Zen: the model ranges of `bsp_init_amd` in
 * Linux `arch/x86/kernel/cpu/amd.c`; for earlier CPUs: AMD's Revision Guides and BIOS and Kernel Developer's Guides.
 */
export const AMD_MODELS: readonly CpuModel[] = [
  amdRow('K8', 'x64', 0x0f, [0x00, 0xff]),
  amdRow('K10', 'x64', 0x10, [0x00, 0xff]),
  amdRow('Llano', 'x64', 0x12, [0x00, 0xff]),
  amdRow('Bobcat', 'x64', 0x14, [0x00, 0xff]),
  amdRow('Bulldozer', 'sandybridge', 0x15, [0x00, 0x01]),
  amdRow('Piledriver', 'piledriver', 0x15, [0x02, 0x02], [0x10, 0x1f]),
  amdRow('Steamroller', 'piledriver', 0x15, [0x30, 0x3f]),
  amdRow('Excavator', 'haswell', 0x15, [0x60, 0x7f]),
  amdRow('Jaguar', 'ivybridge', 0x16, [0x00, 0x0f]),
  amdRow('Puma', 'ivybridge', 0x16, [0x30, 0x3f]),
  amdRow('Zen+', 'haswell', 0x17, [0x08, 0x08], [0x18, 0x18]),
  amdRow('Zen 1', 'haswell', 0x17, [0x00, 0x2f], [0x50, 0x5f]),
  amdRow('Zen 2', 'haswell', 0x17, [0x30, 0x4f], [0x60, 0x7f], [0x90, 0x91], [0xa0, 0xaf]),
  amdRow('Dhyana', 'haswell', 0x18, [0x00, 0xff]),
  amdRow('Zen 3+', 'haswell', 0x19, [0x40, 0x4f]),
  amdRow('Zen 3', 'haswell', 0x19, [0x00, 0x0f], [0x20, 0x5f]),
  amdRow('Zen 4', 'zen4', 0x19, [0x10, 0x1f], [0x60, 0xaf]),
  amdRow('Zen 5', 'zen4', 0x1a, [0x00, 0x2f], [0x40, 0x4f], [0x60, 0x7f]),
  amdRow('Zen 6', 'zen4', 0x1a, [0x50, 0x5f], [0x80, 0xaf], [0xc0, 0xef]),
];

function amdRow(name: string, variant: string, family: number, ...models: [number, number][]): CpuModel {
  return { name, variant, family, models };
}

/**
 * Intel's CPUs by CPUID family and model. Source: Linux `arch/x86/include/asm/intel-family.h` (names, models,
 * steppings) and Intel's Software Developer's Manual, volume 4, table 2-1; instruction sets: Intel's Instruction Set
 * Extensions reference. More specific rows (with a stepping or brand) precede the model's general row.
 */
export const INTEL_MODELS: readonly CpuModel[] = [
  intelRow('Core 2', 'x64', 6, [0x0f, 0x16, 0x17, 0x1d]),
  intelRow('Nehalem', 'sse42', 6, [0x1a, 0x1e, 0x1f, 0x2e]),
  intelRow('Westmere', 'sse42', 6, [0x25, 0x2c, 0x2f]),
  intelRow('Sandy Bridge', 'sandybridge', 6, [0x2a, 0x2d]),
  intelRow('Ivy Bridge', 'ivybridge', 6, [0x3a, 0x3e]),
  intelRow('Haswell', 'haswell', 6, [0x3c, 0x3f, 0x45, 0x46]),
  intelRow('Broadwell', 'haswell', 6, [0x3d, 0x47, 0x4f, 0x56]),
  intelRow('Skylake', 'haswell', 6, [0x4e, 0x5e]),
  // Three server generations have the same model number; the stepping distinguishes them.
  { ...intelRow('Cooper Lake', 'cooperlake', 6, [0x55]), steppings: [10, 15] },
  { ...intelRow('Cascade Lake', 'cascadelake', 6, [0x55]), steppings: [5, 9] },
  intelRow('Skylake-SP', 'skylakex', 6, [0x55]),
  // The successors of Kaby Lake have the same two model numbers and the same core.
  {
    ...intelRow('Comet Lake', 'haswell', 6, [0x8e]),
    steppings: [12, 15],
    brand: /\b(i\d-10\d{3}|[56]205U|5305U|6405U)/i,
  },
  { ...intelRow('Whiskey Lake', 'haswell', 6, [0x8e]), steppings: [11, 15] },
  intelRow('Kaby Lake', 'haswell', 6, [0x8e]),
  { ...intelRow('Coffee Lake', 'haswell', 6, [0x9e]), steppings: [10, 15] },
  intelRow('Kaby Lake', 'haswell', 6, [0x9e]),
  intelRow('Comet Lake', 'haswell', 6, [0xa5, 0xa6]),
  intelRow('Cannon Lake', 'cannonlake', 6, [0x66]),
  intelRow('Ice Lake', 'icelake', 6, [0x7d, 0x7e, 0x9d]),
  intelRow('Ice Lake-SP', 'icelake', 6, [0x6a, 0x6c]),
  intelRow('Tiger Lake', 'icelake', 6, [0x8c, 0x8d]),
  intelRow('Rocket Lake', 'icelake', 6, [0xa7]),
  intelRow('Sapphire Rapids', 'sapphirerapids', 6, [0x8f]),
  intelRow('Emerald Rapids', 'sapphirerapids', 6, [0xcf]),
  intelRow('Granite Rapids', 'sapphirerapids', 6, [0xad, 0xae]),
  intelRow('Diamond Rapids', 'sapphirerapids', 19, [0x01]),
  // Hybrid CPUs: AVX-512, which only the performance cores support, is disabled.
  intelRow('Lakefield', 'sse42', 6, [0x8a]),
  intelRow('Alder Lake', 'alderlake', 6, [0x97, 0x9a]),
  intelRow('Raptor Lake', 'alderlake', 6, [0xb7, 0xba, 0xbf]),
  intelRow('Bartlett Lake', 'alderlake', 6, [0xd7]),
  intelRow('Meteor Lake', 'alderlake', 6, [0xaa, 0xac]),
  intelRow('Arrow Lake', 'alderlake', 6, [0xb5, 0xc5, 0xc6]),
  intelRow('Lunar Lake', 'alderlake', 6, [0xbd]),
  intelRow('Panther Lake', 'alderlake', 6, [0xcc]),
  intelRow('Wildcat Lake', 'alderlake', 6, [0xd5]),
  // Atom.
  intelRow('Bonnell', 'x64', 6, [0x1c, 0x26]),
  intelRow('Saltwell', 'x64', 6, [0x27, 0x35, 0x36]),
  intelRow('Silvermont', 'sse42', 6, [0x37, 0x4a, 0x4d, 0x5a]),
  intelRow('Airmont', 'sse42', 6, [0x4c, 0x75]),
  intelRow('Goldmont', 'sse42', 6, [0x5c, 0x5f]),
  intelRow('Goldmont Plus', 'sse42', 6, [0x7a]),
  intelRow('Tremont', 'sse42', 6, [0x86, 0x96, 0x9c]),
  intelRow('Gracemont', 'alderlake', 6, [0xbe]),
  intelRow('Sierra Forest', 'alderlake', 6, [0xaf]),
  intelRow('Grand Ridge', 'alderlake', 6, [0xb6]),
  intelRow('Clearwater Forest', 'alderlake', 6, [0xdd]),
  // Xeon Phi has AVX-512 without the parts (VL, DQ, BW) that ggml's AVX-512 builds need.
  intelRow('Knights Landing', 'haswell', 6, [0x57]),
  intelRow('Knights Mill', 'haswell', 6, [0x85]),
];

function intelRow(name: string, variant: string, family: number, models: readonly number[]): CpuModel {
  return { name, variant, family, models: models.map((model) => [model, model]) };
}
