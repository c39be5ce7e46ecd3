import type { CpuFacts } from '../../../host/hardware/types.ts';

/** A computer as its system reports it, and what the host must detect. */
export interface RecordedCpu {
  readonly machine: string;
  readonly facts: CpuFacts;
  readonly microarchitecture: string | null;
  readonly variant: string | null;
}

/**
 * Flags in /proc/cpuinfo that concern vector and matrix instructions, in the kernel's spelling. Each generation has its
 * predecessor's flags and new ones.
 */
const CORE2 = 'fpu mmx fxsr sse sse2 pni ssse3 cx16 sse4_1'.split(' ');
const WESTMERE = [...CORE2, 'sse4_2', 'popcnt', 'pclmulqdq', 'aes'];
const SANDY_BRIDGE = [...WESTMERE, 'avx', 'xsave'];
const IVY_BRIDGE = [...SANDY_BRIDGE, 'f16c', 'rdrand'];
const PILEDRIVER = [...IVY_BRIDGE, 'sse4a', 'xop', 'fma4', 'fma', 'bmi1', 'tbm'];
const HASWELL = [...IVY_BRIDGE, 'fma', 'movbe', 'abm', 'bmi1', 'avx2', 'bmi2'];
const ZEN = [...HASWELL, 'sse4a', 'sha_ni'];
const ZEN3 = [...ZEN, 'vaes', 'vpclmulqdq'];
const ALDER_LAKE = [...HASWELL, 'sha_ni', 'gfni', 'vaes', 'vpclmulqdq', 'avx_vnni'];
const SKYLAKE_SP = [...HASWELL, 'avx512f', 'avx512dq', 'avx512cd', 'avx512bw', 'avx512vl'];
const CASCADE_LAKE = [...SKYLAKE_SP, 'avx512_vnni'];
const COOPER_LAKE = [...CASCADE_LAKE, 'avx512_bf16'];
const ICE_LAKE = [...CASCADE_LAKE, 'avx512ifma', 'avx512vbmi', 'avx512_vbmi2', 'avx512_bitalg', 'avx512_vpopcntdq'];
const ZEN4 = [...ICE_LAKE, 'sse4a', 'sha_ni', 'avx512_bf16'];
const ZEN5 = [...ZEN4, 'avx_vnni', 'avx512_vp2intersect'];
const GOLDEN_COVE_SERVER = [...ICE_LAKE, 'avx_vnni', 'avx512_bf16', 'avx512_fp16'];
const SAPPHIRE_RAPIDS = [...GOLDEN_COVE_SERVER, 'amx_bf16', 'amx_tile', 'amx_int8'];

const CORTEX_A72 = 'fp asimd evtstrm crc32 cpuid'.split(' ');
const NEOVERSE_N1 =
  'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs'.split(' ');
const NEOVERSE_V1 = [
  ...NEOVERSE_N1,
  ...'sha3 sm3 sm4 sha512 sve asimdfhm svei8mm svebf16 i8mm bf16 dgh rng'.split(' '),
];
const NEOVERSE_V2 = [...NEOVERSE_V1, 'sve2', 'sveaes', 'svebitperm', 'svesha3', 'flagm2', 'frint', 'bti'];

type Cpuid = readonly [family: number, model: number, stepping: number];

const NOTHING = { family: null, model: null, stepping: null, part: null, flags: [], cores: 4, threads: 8 };

function x64(vendor: string, modelName: string, [family, model, stepping]: Cpuid, flags: readonly string[]): CpuFacts {
  const cpuid = { family, model, stepping, flags };
  return { ...NOTHING, ...cpuid, architecture: 'x64', platform: 'linux', vendor, modelName };
}
const intel = (modelName: string, cpuid: Cpuid, flags: readonly string[]) =>
  x64('GenuineIntel', modelName, cpuid, flags);
const amd = (modelName: string, cpuid: Cpuid, flags: readonly string[]) => x64('AuthenticAMD', modelName, cpuid, flags);
/** Windows reports no flags. */
const windows = (facts: CpuFacts): CpuFacts => ({ ...facts, platform: 'win32', flags: [] });

function arm(vendor: string, part: number, flags: readonly string[], modelName = ''): CpuFacts {
  return { ...NOTHING, architecture: 'arm64', platform: 'linux', vendor, part, flags, modelName };
}
/** macOS on Apple silicon has a brand, but neither flags nor CPUID. */
function mac(modelName: string): CpuFacts {
  return { ...NOTHING, architecture: 'arm64', platform: 'darwin', vendor: 'Apple', modelName };
}

type Row = readonly [machine: string, facts: CpuFacts, microarchitecture: string | null, variant: string | null];

const ROWS: readonly Row[] = [
  // Intel, desktops and notebooks.
  ['Core 2 Duo E8400', intel('Intel(R) Core(TM)2 Duo CPU E8400 @ 3.00GHz', [6, 23, 10], CORE2), 'Core 2', 'x64'],
  ['i7-920', intel('Intel(R) Core(TM) i7 CPU 920 @ 2.67GHz', [6, 26, 5], WESTMERE), 'Nehalem', 'sse42'],
  ['i7-4770', intel('Intel(R) Core(TM) i7-4770 CPU @ 3.40GHz', [6, 60, 3], HASWELL), 'Haswell', 'haswell'],
  ['i7-6700K', intel('Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz', [6, 94, 3], HASWELL), 'Skylake', 'haswell'],
  ['i5-8250U', intel('Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz', [6, 142, 10], HASWELL), 'Kaby Lake', 'haswell'],
  ['i5-8265U', intel('Intel(R) Core(TM) i5-8265U CPU @ 1.60GHz', [6, 142, 12], HASWELL), 'Whiskey Lake', 'haswell'],
  ['i7-10510U', intel('Intel(R) Core(TM) i7-10510U CPU @ 1.80GHz', [6, 142, 12], HASWELL), 'Comet Lake', 'haswell'],
  ['i7-7700K', intel('Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz', [6, 158, 9], HASWELL), 'Kaby Lake', 'haswell'],
  ['i9-9900K', intel('Intel(R) Core(TM) i9-9900K CPU @ 3.60GHz', [6, 158, 12], HASWELL), 'Coffee Lake', 'haswell'],
  ['i9-10900K', intel('Intel(R) Core(TM) i9-10900K CPU @ 3.70GHz', [6, 165, 5], HASWELL), 'Comet Lake', 'haswell'],
  ['i7-1065G7', intel('Intel(R) Core(TM) i7-1065G7 CPU @ 1.30GHz', [6, 126, 5], ICE_LAKE), 'Ice Lake', 'icelake'],
  [
    'i7-1165G7',
    intel('11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz', [6, 140, 1], ICE_LAKE),
    'Tiger Lake',
    'icelake',
  ],
  [
    'i9-11900K',
    intel('11th Gen Intel(R) Core(TM) i9-11900K @ 3.50GHz', [6, 167, 1], ICE_LAKE),
    'Rocket Lake',
    'icelake',
  ],
  ['i9-12900K', intel('12th Gen Intel(R) Core(TM) i9-12900K', [6, 151, 2], ALDER_LAKE), 'Alder Lake', 'alderlake'],
  ['i9-13900K', intel('13th Gen Intel(R) Core(TM) i9-13900K', [6, 183, 1], ALDER_LAKE), 'Raptor Lake', 'alderlake'],
  ['Core Ultra 7 155H', intel('Intel(R) Core(TM) Ultra 7 155H', [6, 170, 4], ALDER_LAKE), 'Meteor Lake', 'alderlake'],
  ['Core Ultra 9 285K', intel('Intel(R) Core(TM) Ultra 9 285K', [6, 198, 2], ALDER_LAKE), 'Arrow Lake', 'alderlake'],
  ['Core Ultra 7 258V', intel('Intel(R) Core(TM) Ultra 7 258V', [6, 189, 1], ALDER_LAKE), 'Lunar Lake', 'alderlake'],
  ['N100', intel('Intel(R) N100', [6, 190, 0], ALDER_LAKE), 'Gracemont', 'alderlake'],
  [
    'Celeron J4125',
    intel('Intel(R) Celeron(R) J4125 CPU @ 2.00GHz', [6, 122, 8], [...WESTMERE, 'sha_ni']),
    'Goldmont Plus',
    'sse42',
  ],
  // A Pentium, which lacks the AVX2 of its generation.
  ['Pentium G4400', intel('Intel(R) Pentium(R) CPU G4400 @ 3.30GHz', [6, 94, 3], WESTMERE), 'Skylake', 'sse42'],
  // Intel, servers.
  [
    'Xeon E5-2670',
    intel('Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz', [6, 45, 7], SANDY_BRIDGE),
    'Sandy Bridge',
    'sandybridge',
  ],
  [
    'Xeon E5-2690 v2',
    intel('Intel(R) Xeon(R) CPU E5-2690 v2 @ 3.00GHz', [6, 62, 4], IVY_BRIDGE),
    'Ivy Bridge',
    'ivybridge',
  ],
  ['Xeon E5-2686 v4', intel('Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz', [6, 79, 1], HASWELL), 'Broadwell', 'haswell'],
  [
    'Xeon 8175M',
    intel('Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz', [6, 85, 4], SKYLAKE_SP),
    'Skylake-SP',
    'skylakex',
  ],
  [
    'Xeon 8275CL',
    intel('Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz', [6, 85, 7], CASCADE_LAKE),
    'Cascade Lake',
    'cascadelake',
  ],
  [
    'Xeon 8380H',
    intel('Intel(R) Xeon(R) Platinum 8380H CPU @ 2.90GHz', [6, 85, 11], COOPER_LAKE),
    'Cooper Lake',
    'cooperlake',
  ],
  [
    'Xeon 8375C',
    intel('Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz', [6, 106, 6], ICE_LAKE),
    'Ice Lake-SP',
    'icelake',
  ],
  [
    'Xeon 8480+',
    intel('Intel(R) Xeon(R) Platinum 8480+', [6, 143, 8], SAPPHIRE_RAPIDS),
    'Sapphire Rapids',
    'sapphirerapids',
  ],
  [
    'Xeon 8480+ whose hypervisor hides AMX',
    intel('Intel(R) Xeon(R) Platinum 8480+', [6, 143, 8], GOLDEN_COVE_SERVER),
    'Sapphire Rapids',
    'zen4',
  ],
  [
    'Xeon 8592+',
    intel('INTEL(R) XEON(R) PLATINUM 8592+', [6, 207, 2], SAPPHIRE_RAPIDS),
    'Emerald Rapids',
    'sapphirerapids',
  ],
  [
    'Xeon 6980P',
    intel('Intel(R) Xeon(R) 6980P', [6, 173, 1], [...SAPPHIRE_RAPIDS, 'amx_fp16']),
    'Granite Rapids',
    'sapphirerapids',
  ],
  [
    'Xeon 6780E',
    intel('Intel(R) Xeon(R) 6780E', [6, 175, 3], [...ALDER_LAKE, 'avx_ifma']),
    'Sierra Forest',
    'alderlake',
  ],
  // AMD.
  [
    'Athlon 64 X2',
    amd('AMD Athlon(tm) 64 X2 Dual Core Processor 4200+', [15, 75, 2], ['mmx', 'sse', 'sse2', 'pni']),
    'K8',
    'x64',
  ],
  ['FX-8350', amd('AMD FX(tm)-8350 Eight-Core Processor', [21, 2, 0], PILEDRIVER), 'Piledriver', 'piledriver'],
  [
    'A10-9700',
    amd('AMD A10-9700 RADEON R7, 10 COMPUTE CORES 4C+6G', [21, 101, 1], [...HASWELL, 'xop', 'fma4']),
    'Excavator',
    'haswell',
  ],
  [
    'Athlon 5350',
    amd('AMD Athlon(tm) 5350 APU with Radeon(tm) R3', [22, 0, 1], [...IVY_BRIDGE, 'sse4a', 'bmi1']),
    'Jaguar',
    'ivybridge',
  ],
  ['EPYC 7551', amd('AMD EPYC 7551 32-Core Processor', [23, 1, 2], ZEN), 'Zen 1', 'haswell'],
  ['Ryzen 7 2700X', amd('AMD Ryzen 7 2700X Eight-Core Processor', [23, 8, 2], ZEN), 'Zen+', 'haswell'],
  ['Ryzen 7 3700X', amd('AMD Ryzen 7 3700X 8-Core Processor', [23, 113, 0], ZEN), 'Zen 2', 'haswell'],
  ['EPYC 7763', amd('AMD EPYC 7763 64-Core Processor', [25, 1, 1], ZEN3), 'Zen 3', 'haswell'],
  ['Ryzen 9 5950X', amd('AMD Ryzen 9 5950X 16-Core Processor', [25, 33, 0], ZEN3), 'Zen 3', 'haswell'],
  ['Ryzen 7 6800U', amd('AMD Ryzen 7 6800U with Radeon Graphics', [25, 68, 1], ZEN3), 'Zen 3+', 'haswell'],
  ['EPYC 9654', amd('AMD EPYC 9654 96-Core Processor', [25, 17, 1], ZEN4), 'Zen 4', 'zen4'],
  ['Ryzen 9 7950X', amd('AMD Ryzen 9 7950X 16-Core Processor', [25, 97, 2], ZEN4), 'Zen 4', 'zen4'],
  ['Ryzen 7 7840U', amd('AMD Ryzen 7 7840U w/ Radeon 780M Graphics', [25, 116, 1], ZEN4), 'Zen 4', 'zen4'],
  ['EPYC 9755', amd('AMD EPYC 9755 128-Core Processor', [26, 2, 1], ZEN5), 'Zen 5', 'zen4'],
  ['Ryzen 9 9950X', amd('AMD Ryzen 9 9950X 16-Core Processor', [26, 68, 0], ZEN5), 'Zen 5', 'zen4'],
  ['Hygon C86 7185', x64('HygonGenuine', 'Hygon C86 7185 32-core Processor', [24, 0, 1], ZEN), 'Dhyana', 'haswell'],
  // Only the flags are known: a hypervisor that hides the CPU model, a vendor and a future CPU that are not in the
  // tables.
  [
    'QEMU qemu64',
    amd('QEMU Virtual CPU version 2.5+', [15, 107, 1], ['mmx', 'sse', 'sse2', 'pni', 'cx16']),
    'K8',
    'x64',
  ],
  ['Zhaoxin KX-6640MA', x64('CentaurHauls', 'ZHAOXIN KaiXian KX-6640MA@2.2+GHz', [7, 59, 0], HASWELL), null, 'haswell'],
  ['an Intel CPU of the future', intel('Intel(R) Core(TM) Next', [6, 250, 0], ALDER_LAKE), null, 'alderlake'],
  // Windows reports no flags: the variant depends on the generation.
  [
    'i9-12900K under Windows',
    windows(intel('12th Gen Intel(R) Core(TM) i9-12900K', [6, 151, 2], [])),
    'Alder Lake',
    'alderlake',
  ],
  [
    'Xeon 8480+ under Windows',
    windows(intel('Intel(R) Xeon(R) Platinum 8480+', [6, 143, 8], [])),
    'Sapphire Rapids',
    'sapphirerapids',
  ],
  [
    'Ryzen 9 7950X under Windows',
    windows(amd('AMD Ryzen 9 7950X 16-Core Processor', [25, 97, 2], [])),
    'Zen 4',
    'zen4',
  ],
  [
    'Pentium G4400 under Windows',
    windows(intel('Intel(R) Pentium(R) CPU G4400 @ 3.30GHz', [6, 94, 3], [])),
    'Skylake',
    'sse42',
  ],
  ['an Intel CPU of the future under Windows', windows(intel('Intel(R) Core(TM) Next', [6, 250, 0], [])), null, null],
  [
    'Snapdragon X under Windows',
    { ...arm('Qualcomm', 1, [], 'Snapdragon(R) X Elite'), platform: 'win32' },
    'Oryon',
    null,
  ],
  // Arm.
  ['Raspberry Pi 4', arm('ARM', 0xd08, CORTEX_A72, 'Raspberry Pi 4 Model B Rev 1.4'), 'Cortex-A72', 'armv8.0_1'],
  ['Raspberry Pi 5', arm('ARM', 0xd0b, NEOVERSE_N1, 'Raspberry Pi 5 Model B Rev 1.0'), 'Cortex-A76', 'armv8.2_2'],
  ['Graviton 2', arm('ARM', 0xd0c, NEOVERSE_N1), 'Neoverse N1', 'armv8.2_2'],
  ['Ampere Altra', arm('ARM', 0xd0c, NEOVERSE_N1), 'Neoverse N1', 'armv8.2_2'],
  ['Graviton 3', arm('ARM', 0xd40, NEOVERSE_V1), 'Neoverse V1', 'armv8.6_1'],
  ['Graviton 4', arm('ARM', 0xd4f, NEOVERSE_V2), 'Neoverse V2', 'armv8.6_2'],
  ['AmpereOne', arm('Ampere', 0xac3, [...NEOVERSE_N1, 'i8mm', 'bf16']), 'AmpereOne', 'armv8.2_2'],
  [
    'A64FX',
    arm('Fujitsu', 0x001, 'fp asimd evtstrm sha1 sha2 crc32 atomics fphp asimdhp asimdrdm sve'.split(' ')),
    'A64FX',
    'armv8.0_1',
  ],
  ['an Arm core of the future with SME', arm('ARM', 0xfff, [...NEOVERSE_V2, 'sme']), null, 'armv9.2_2'],
  ['M1', mac('Apple M1'), 'Apple M1', 'apple_m1'],
  ['M2 Pro', mac('Apple M2 Pro'), 'Apple M2', 'apple_m2_m3'],
  ['M3 Max', mac('Apple M3 Max'), 'Apple M3', 'apple_m2_m3'],
  ['M4', mac('Apple M4'), 'Apple M4', 'apple_m4'],
  ['M5', mac('Apple M5'), 'Apple M5', 'apple_m4'],
  ['an Apple CPU of another line', mac('Apple A18 Pro'), null, null],
  ['M1 under Linux', arm('Apple', 0x023, NEOVERSE_N1), 'Apple M1', 'armv8.2_2'],
];

/** Computers of the last twenty years, one of each kind that the detection distinguishes. */
export const RECORDED_CPUS: readonly RecordedCpu[] = ROWS.map(([machine, facts, microarchitecture, variant]) => ({
  machine,
  facts,
  microarchitecture,
  variant,
}));
