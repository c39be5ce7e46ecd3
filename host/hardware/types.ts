/** What this machine is, at one moment. Plain data: recorded ones are test cases. Sizes are bytes. */
export interface HardwareSnapshot {
  readonly cpu: CpuInfo;
  readonly gpus: readonly GpuInfo[];
  readonly memory: MemoryInfo;
}

/** What the operating system says of the CPU, and what follows from it. */
export interface CpuInfo extends CpuFacts {
  /** `Zen 4`, `Sapphire Rapids`, `Apple M2`, …; null when the table does not know it. */
  readonly microarchitecture: string | null;
  /** The llama.cpp binary chosen for it, as ggml names it; null where the platform has a single one. */
  readonly variant: string | null;
}

/** The facts the choice is made from. */
export interface CpuFacts {
  /** As Node names it: `x64`, `arm64`. */
  readonly architecture: string;
  /** As Node names it: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** `GenuineIntel`, `AuthenticAMD`, `Apple`, `ARM`, … */
  readonly vendor: string;
  /** `AMD EPYC 9654 96-Core Processor`. */
  readonly modelName: string;
  /** CPUID family, model and stepping, decimal; null where there is no CPUID. */
  readonly family: number | null;
  readonly model: number | null;
  readonly stepping: number | null;
  /** Feature flags in Linux's spelling, lower case (`avx2`, `avx512_vnni`, `asimddp`, …). */
  readonly flags: readonly string[];
  /** Physical cores. */
  readonly cores: number;
  /** Hardware threads. */
  readonly threads: number;
}

export interface GpuInfo {
  readonly name: string;
  readonly vendor: 'nvidia' | 'amd' | 'intel' | 'apple' | 'other';
  readonly totalVram: number;
  readonly availableVram: number;
  /** True where it shares the main memory (Apple, integrated graphics). */
  readonly sharedMemory: boolean;
  readonly driver?: string;
}

export interface MemoryInfo {
  readonly total: number;
  /** What a program can still have without swapping: Linux's `MemAvailable`, not what lies idle. */
  readonly available: number;
}
