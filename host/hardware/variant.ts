import type { CpuFacts } from './types.ts';

/** A feature ggml asks a CPU for: the flags Linux shows for it, and what it adds to a binary's score. */
interface Feature {
  readonly flags: readonly string[];
  readonly score: number;
}

/** A llama.cpp CPU binary: usable where every one of its features is, and worth the sum of their scores. */
interface Variant<F extends string> {
  readonly name: string;
  readonly features: readonly F[];
}

/** Source: ggml/src/ggml-cpu/arch/x86/cpu-feats.cpp in llama.cpp, `ggml_backend_cpu_x86_score`. */
const X86_FEATURES = {
  FMA: { flags: ['fma'], score: 1 << 0 },
  F16C: { flags: ['f16c'], score: 1 << 1 },
  SSE42: { flags: ['sse4_2'], score: 1 << 2 },
  BMI2: { flags: ['bmi2'], score: 1 << 3 },
  AVX: { flags: ['avx'], score: 1 << 4 },
  AVX2: { flags: ['avx2'], score: 1 << 5 },
  AVX_VNNI: { flags: ['avx_vnni'], score: 1 << 6 },
  AVX512: { flags: ['avx512f', 'avx512cd', 'avx512vl', 'avx512dq', 'avx512bw'], score: 1 << 7 },
  AVX512_VBMI: { flags: ['avx512vbmi'], score: 1 << 8 },
  AVX512_BF16: { flags: ['avx512_bf16'], score: 1 << 9 },
  AVX512_VNNI: { flags: ['avx512_vnni'], score: 1 << 10 },
  AMX_INT8: { flags: ['amx_int8'], score: 1 << 11 },
} satisfies Record<string, Feature>;

/** Source: ggml/src/ggml-cpu/arch/arm/cpu-feats.cpp, `ggml_backend_cpu_aarch64_score`. */
const ARM_FEATURES = {
  DOTPROD: { flags: ['asimddp'], score: 1 << 1 },
  FP16: { flags: ['asimdhp'], score: 1 << 2 },
  SVE: { flags: ['sve'], score: 1 << 3 },
  I8MM: { flags: ['i8mm'], score: 1 << 4 },
  SVE2: { flags: ['sve2'], score: 1 << 5 },
  SME: { flags: ['sme'], score: 1 << 6 },
} satisfies Record<string, Feature>;

/** Source: ggml/src/CMakeLists.txt, GGML_CPU_ALL_VARIANTS; the files of node-llama-cpp's Linux x64 package are these. */
const X86_VARIANTS: readonly Variant<keyof typeof X86_FEATURES>[] = (() => {
  const haswell = ['SSE42', 'AVX', 'F16C', 'FMA', 'AVX2', 'BMI2'] as const;
  const skylakex = [...haswell, 'AVX512'] as const;
  return [
    { name: 'x64', features: [] },
    { name: 'sse42', features: ['SSE42'] },
    { name: 'sandybridge', features: ['SSE42', 'AVX'] },
    { name: 'ivybridge', features: ['SSE42', 'AVX', 'F16C'] },
    { name: 'piledriver', features: ['SSE42', 'AVX', 'F16C', 'FMA'] },
    { name: 'haswell', features: haswell },
    { name: 'alderlake', features: [...haswell, 'AVX_VNNI'] },
    { name: 'skylakex', features: skylakex },
    { name: 'cannonlake', features: [...skylakex, 'AVX512_VBMI'] },
    { name: 'cascadelake', features: [...skylakex, 'AVX512_VNNI'] },
    { name: 'cooperlake', features: [...skylakex, 'AVX512_VNNI', 'AVX512_BF16'] },
    { name: 'icelake', features: [...skylakex, 'AVX512_VBMI', 'AVX512_VNNI'] },
    { name: 'zen4', features: [...skylakex, 'AVX512_VBMI', 'AVX512_VNNI', 'AVX512_BF16'] },
    { name: 'sapphirerapids', features: [...skylakex, 'AVX512_VBMI', 'AVX512_VNNI', 'AVX512_BF16', 'AMX_INT8'] },
  ];
})();

/** Same source, for Linux on 64-bit Arm. */
const ARM_VARIANTS: readonly Variant<keyof typeof ARM_FEATURES>[] = [
  { name: 'armv8.0_1', features: [] },
  { name: 'armv8.2_1', features: ['DOTPROD'] },
  { name: 'armv8.2_2', features: ['DOTPROD', 'FP16'] },
  { name: 'armv8.2_3', features: ['DOTPROD', 'FP16', 'SVE'] },
  { name: 'armv8.6_1', features: ['DOTPROD', 'FP16', 'SVE', 'I8MM'] },
  { name: 'armv8.6_2', features: ['DOTPROD', 'FP16', 'SVE', 'I8MM', 'SVE2'] },
  { name: 'armv9.2_1', features: ['DOTPROD', 'FP16', 'SVE', 'I8MM', 'SME'] },
  { name: 'armv9.2_2', features: ['DOTPROD', 'FP16', 'SVE', 'I8MM', 'SVE2', 'SME'] },
];

/**
 * The llama.cpp binary ggml will choose for a CPU: of those whose features are all there, the one with the highest
 * score. Null where the platform's package holds a single binary (macOS, 32-bit Arm, Windows on Arm).
 *
 * On Windows no flags beyond the processor's name can be read, and the choice is ggml's alone: null as well there, when
 * no flags are known.
 */
export function cpuVariant({
  platform,
  architecture,
  flags,
}: Pick<CpuFacts, 'platform' | 'architecture' | 'flags'>): string | null {
  if (flags.length === 0) return null;
  if (architecture === 'x64' && platform !== 'darwin') return best(X86_VARIANTS, X86_FEATURES, flags);
  if (architecture === 'arm64' && platform === 'linux') return best(ARM_VARIANTS, ARM_FEATURES, flags);
  return null;
}

function best<F extends string>(
  variants: readonly Variant<F>[],
  table: Readonly<Record<F, Feature>>,
  flags: readonly string[],
): string | null {
  const present = new Set(flags);
  let chosen: { name: string; score: number } | undefined;
  for (const { name, features } of variants) {
    if (!features.every((feature) => table[feature].flags.every((flag) => present.has(flag)))) continue;
    const score = features.reduce((sum, feature) => sum + table[feature].score, 1);
    if (chosen === undefined || score > chosen.score) chosen = { name, score };
  }
  return chosen?.name ?? null;
}
