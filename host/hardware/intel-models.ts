import type { CpuModel } from './cpu-model.ts';

/**
 * Intel's CPUs by CPUID family and model. Source: Linux `arch/x86/include/asm/intel-family.h` (names, models,
 * steppings) and Intel's Software Developer's Manual, volume 4, table 2-1; instruction sets: Intel's Instruction Set
 * Extensions reference. More specific rows (with a stepping or brand) precede the model's general row.
 */
export const INTEL_MODELS: readonly CpuModel[] = [
  row('Core 2', 'x64', 6, [0x0f, 0x16, 0x17, 0x1d]),
  row('Nehalem', 'sse42', 6, [0x1a, 0x1e, 0x1f, 0x2e]),
  row('Westmere', 'sse42', 6, [0x25, 0x2c, 0x2f]),
  row('Sandy Bridge', 'sandybridge', 6, [0x2a, 0x2d]),
  row('Ivy Bridge', 'ivybridge', 6, [0x3a, 0x3e]),
  row('Haswell', 'haswell', 6, [0x3c, 0x3f, 0x45, 0x46]),
  row('Broadwell', 'haswell', 6, [0x3d, 0x47, 0x4f, 0x56]),
  row('Skylake', 'haswell', 6, [0x4e, 0x5e]),
  // Three server generations have the same model number; the stepping distinguishes them.
  { ...row('Cooper Lake', 'cooperlake', 6, [0x55]), steppings: [10, 15] },
  { ...row('Cascade Lake', 'cascadelake', 6, [0x55]), steppings: [5, 9] },
  row('Skylake-SP', 'skylakex', 6, [0x55]),
  // The successors of Kaby Lake have its two model numbers and the same core.
  { ...row('Comet Lake', 'haswell', 6, [0x8e]), steppings: [12, 15], brand: /\b(i\d-10\d{3}|[56]205U|5305U|6405U)/i },
  { ...row('Whiskey Lake', 'haswell', 6, [0x8e]), steppings: [11, 15] },
  row('Kaby Lake', 'haswell', 6, [0x8e]),
  { ...row('Coffee Lake', 'haswell', 6, [0x9e]), steppings: [10, 15] },
  row('Kaby Lake', 'haswell', 6, [0x9e]),
  row('Comet Lake', 'haswell', 6, [0xa5, 0xa6]),
  row('Cannon Lake', 'cannonlake', 6, [0x66]),
  row('Ice Lake', 'icelake', 6, [0x7d, 0x7e, 0x9d]),
  row('Ice Lake-SP', 'icelake', 6, [0x6a, 0x6c]),
  row('Tiger Lake', 'icelake', 6, [0x8c, 0x8d]),
  row('Rocket Lake', 'icelake', 6, [0xa7]),
  row('Sapphire Rapids', 'sapphirerapids', 6, [0x8f]),
  row('Emerald Rapids', 'sapphirerapids', 6, [0xcf]),
  row('Granite Rapids', 'sapphirerapids', 6, [0xad, 0xae]),
  row('Diamond Rapids', 'sapphirerapids', 19, [0x01]),
  // Hybrid CPUs: AVX-512, which only the performance cores support, is disabled.
  row('Lakefield', 'sse42', 6, [0x8a]),
  row('Alder Lake', 'alderlake', 6, [0x97, 0x9a]),
  row('Raptor Lake', 'alderlake', 6, [0xb7, 0xba, 0xbf]),
  row('Bartlett Lake', 'alderlake', 6, [0xd7]),
  row('Meteor Lake', 'alderlake', 6, [0xaa, 0xac]),
  row('Arrow Lake', 'alderlake', 6, [0xb5, 0xc5, 0xc6]),
  row('Lunar Lake', 'alderlake', 6, [0xbd]),
  row('Panther Lake', 'alderlake', 6, [0xcc]),
  row('Wildcat Lake', 'alderlake', 6, [0xd5]),
  // Atom.
  row('Bonnell', 'x64', 6, [0x1c, 0x26]),
  row('Saltwell', 'x64', 6, [0x27, 0x35, 0x36]),
  row('Silvermont', 'sse42', 6, [0x37, 0x4a, 0x4d, 0x5a]),
  row('Airmont', 'sse42', 6, [0x4c, 0x75]),
  row('Goldmont', 'sse42', 6, [0x5c, 0x5f]),
  row('Goldmont Plus', 'sse42', 6, [0x7a]),
  row('Tremont', 'sse42', 6, [0x86, 0x96, 0x9c]),
  row('Gracemont', 'alderlake', 6, [0xbe]),
  row('Sierra Forest', 'alderlake', 6, [0xaf]),
  row('Grand Ridge', 'alderlake', 6, [0xb6]),
  row('Clearwater Forest', 'alderlake', 6, [0xdd]),
  // Xeon Phi has AVX-512 without the parts (VL, DQ, BW) that ggml's AVX-512 builds need.
  row('Knights Landing', 'haswell', 6, [0x57]),
  row('Knights Mill', 'haswell', 6, [0x85]),
];

function row(name: string, variant: string, family: number, models: readonly number[]): CpuModel {
  return { name, variant, family, models: models.map((model) => [model, model]) };
}
