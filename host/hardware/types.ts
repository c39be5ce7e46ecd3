/** The hardware at one moment. Plain data, so that recorded snapshots can be used in tests. Sizes are bytes. */
export interface HardwareSnapshot {
  readonly cpu: CpuInfo;
  readonly gpus: readonly GpuInfo[];
  readonly memory: MemoryInfo;
}

/** The CPU as reported by the operating system, and what is derived from it. */
export interface CpuInfo extends CpuFacts {
  /** `Zen 4`, `Sapphire Rapids`, `Apple M2`, …; null if it is not in the tables. */
  readonly microarchitecture: string | null;
  /** The ggml build chosen for it; null if the platform has only one. */
  readonly variant: string | null;
}

/** The CPU as reported by the operating system. */
export interface CpuFacts {
  /** As reported by Node: `x64`, `arm64`. */
  readonly architecture: string;
  /** As reported by Node: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** `GenuineIntel`, `AuthenticAMD`, `Apple`, `ARM`, … */
  readonly vendor: string;
  /** `AMD EPYC 9654 96-Core Processor`. */
  readonly modelName: string;
  /** CPUID family, model and stepping, decimal; null if the CPU has no CPUID. */
  readonly family: number | null;
  readonly model: number | null;
  readonly stepping: number | null;
  /**
   * Part number of an Arm core (MIDR_EL1 bits 15 to 4), of its fastest cores if there are several kinds; otherwise
   * null.
   */
  readonly part: number | null;
  /**
   * Feature flags with Linux's names, in lower case (`avx2`, `avx512_vnni`, `asimddp`, …). Empty if the operating
   * system does not list them all (Windows, macOS); then the microarchitecture determines them.
   */
  readonly flags: readonly string[];
  /** Physical cores that this process may use; inside a container possibly fewer than the computer has. */
  readonly cores: number;
  /** Hardware threads that this process may use. */
  readonly threads: number;
  /** The performance cores among `cores`; absent if all cores are of one kind or the system does not report it. */
  readonly performanceCores?: number;
}

/** Memory of the GPUs that llama.cpp uses, as its backend reports it: bytes of all of them together. */
export interface GpuMemory {
  readonly total: number;
  readonly free: number;
  /** Whether it is part of the main memory. */
  readonly isShared: boolean;
}

/** The GPUs that llama.cpp can use, as its backend reports them. */
export interface BackendGpus {
  readonly backend: GpuBackend;
  readonly names: readonly string[];
  readonly memory: GpuMemory;
}

export type GpuBackend = 'cuda' | 'vulkan' | 'metal';

export interface GpuInfo {
  readonly name: string;
  readonly vendor: 'nvidia' | 'amd' | 'intel' | 'apple' | 'other';
  readonly totalVram: number;
  readonly availableVram: number;
  /**
   * Whether it shares the main memory (Apple, integrated graphics). Then its VRAM is the part of the RAM that it may
   * use at most.
   */
  readonly sharedMemory: boolean;
  readonly driver?: string;
  /** How llama.cpp uses it; null if it cannot, absent if llama.cpp was not asked. */
  readonly backend?: GpuBackend | null;
}

export interface MemoryInfo {
  readonly total: number;
  /** What programs can use without swapping: Linux's `MemAvailable`, not only free memory. */
  readonly available: number;
}
