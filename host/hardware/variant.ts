import { microarchitecture, x86Model } from './microarchitecture.ts';
import type { CpuFacts } from './types.ts';

/**
 * A build of ggml's CPU backend and the CPU flags that it requires, with Linux's names. ggml computes a score for every
 * build, with a bit per feature, and loads the best one. The builds are listed by score, so the last one that the CPU
 * supports is chosen.
 */
type Build = readonly [name: string, needs: readonly string[]];

const AVX2 = ['sse4_2', 'avx', 'f16c', 'fma', 'avx2', 'bmi2'];
const AVX512 = [...AVX2, 'avx512f', 'avx512cd', 'avx512vl', 'avx512dq', 'avx512bw'];

/**
 * The x86 builds. Source: `ggml_add_cpu_backend_variant` in llama.cpp's `ggml/src/CMakeLists.txt` (the features of each
 * build) and `ggml_backend_cpu_x86_score` in `ggml-cpu/arch/x86/cpu-feats.cpp` (the flags that each feature requires,
 * and the bits: FMA 1, F16C 2, SSE4.2 4, BMI2 8, AVX 16, AVX2 32, AVX-VNNI 64, AVX-512 128, VBMI 256, BF16 512, VNNI
 * 1024, AMX 2048).
 */
const X86_BUILDS: readonly Build[] = [
  ['x64', []],
  ['sse42', ['sse4_2']],
  ['sandybridge', ['sse4_2', 'avx']],
  ['ivybridge', ['sse4_2', 'avx', 'f16c']],
  ['piledriver', ['sse4_2', 'avx', 'f16c', 'fma']],
  ['haswell', AVX2],
  ['alderlake', [...AVX2, 'avx_vnni']],
  ['skylakex', AVX512],
  ['cannonlake', [...AVX512, 'avx512vbmi']],
  ['cascadelake', [...AVX512, 'avx512_vnni']],
  ['icelake', [...AVX512, 'avx512vbmi', 'avx512_vnni']],
  ['cooperlake', [...AVX512, 'avx512_vnni', 'avx512_bf16']],
  ['zen4', [...AVX512, 'avx512vbmi', 'avx512_vnni', 'avx512_bf16']],
  ['sapphirerapids', [...AVX512, 'avx512vbmi', 'avx512_vnni', 'avx512_bf16', 'amx_int8']],
];

/** The Arm builds for Linux. Source: as above, and `ggml-cpu/arch/arm/cpu-feats.cpp` (`fphp` is FP16 arithmetic). */
const ARM_LINUX_BUILDS: readonly Build[] = [
  ['armv8.0_1', []],
  ['armv8.2_1', ['asimddp']],
  ['armv8.2_2', ['asimddp', 'fphp']],
  ['armv8.2_3', ['asimddp', 'fphp', 'sve']],
  ['armv8.6_1', ['asimddp', 'fphp', 'sve', 'i8mm']],
  ['armv8.6_2', ['asimddp', 'fphp', 'sve', 'i8mm', 'sve2']],
  ['armv9.2_1', ['asimddp', 'fphp', 'sve', 'i8mm', 'sme']],
  ['armv9.2_2', ['asimddp', 'fphp', 'sve', 'i8mm', 'sve2', 'sme']],
];

/** Intel brands in which AVX is disabled, before Ice Lake. */
const WITHOUT_AVX = /\b(Pentium|Celeron)\b/i;

/**
 * Returns the build of ggml's CPU backend that llama.cpp loads on this CPU, as named in the prebuilt packages of
 * node-llama-cpp 3.21; null if the package contains only one (Windows on Arm, 32-bit Arm) or the CPU is unknown. The
 * x86 packages for all three systems contain all builds.
 */
export function chooseVariant(facts: CpuFacts): string | null {
  if (facts.architecture === 'x64') {
    return facts.flags.length > 0 ? lastRunnable(X86_BUILDS, facts.flags) : x86WithoutFlags(facts);
  }
  if (facts.architecture !== 'arm64') return null;
  if (facts.platform === 'linux') return lastRunnable(ARM_LINUX_BUILDS, facts.flags);
  return facts.platform === 'darwin' ? appleBuild(facts) : null;
}

function lastRunnable(builds: readonly Build[], flags: readonly string[]): string | null {
  const has = new Set(flags);
  return builds.findLast(([, needs]) => needs.every((flag) => has.has(flag)))?.[0] ?? null;
}

function x86WithoutFlags(facts: CpuFacts): string | null {
  const variant = x86Model(facts)?.variant;
  if (variant === undefined) return null;
  const beforeIceLake = ['sandybridge', 'ivybridge', 'haswell'].includes(variant);
  return beforeIceLake && facts.vendor === 'GenuineIntel' && WITHOUT_AVX.test(facts.modelName) ? 'sse42' : variant;
}

/** Returns the build for an Apple CPU. It depends on `FEAT_I8MM` (since the M2) and `FEAT_SME` (since the M4). */
function appleBuild(facts: CpuFacts): string | null {
  const generation = Number(microarchitecture(facts)?.match(/^Apple M(\d+)$/)?.[1] ?? Number.NaN);
  if (Number.isNaN(generation)) return null;
  if (generation >= 4) return 'apple_m4';
  return generation >= 2 ? 'apple_m2_m3' : 'apple_m1';
}
