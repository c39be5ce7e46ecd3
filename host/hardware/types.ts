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
  /** Part number of an Arm core (MIDR_EL1 bits 15 to 4), of its fastest cores where there are several kinds; else null. */
  readonly part: number | null;
  /**
   * Feature flags in Linux's spelling, lower case (`avx2`, `avx512_vnni`, `asimddp`, …). Empty where the operating
   * system does not list them all (Windows, macOS): then they follow from the microarchitecture.
   */
  readonly flags: readonly string[];
  /** Physical cores this process may use: fewer than the machine has inside a container that is given fewer. */
  readonly cores: number;
  /** Hardware threads this process may use. */
  readonly threads: number;
  /** Of `cores`, those of the fastest kind; absent where all are alike, or the system does not tell. */
  readonly quickCores?: number;
}

export interface GpuInfo {
  readonly name: string;
  readonly vendor: 'nvidia' | 'amd' | 'intel' | 'apple' | 'other';
  readonly totalVram: number;
  readonly availableVram: number;
  /**
   * True where it shares the main memory (Apple, integrated graphics): then its VRAM is a part of the RAM, the most it
   * may take of it.
   */
  readonly sharedMemory: boolean;
  readonly driver?: string;
}

export interface MemoryInfo {
  readonly total: number;
  /** What a program can still have without swapping: Linux's `MemAvailable`, not what lies idle. */
  readonly available: number;
}
