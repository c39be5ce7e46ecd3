/** A snapshot of the hardware. Plain data, which allows recorded snapshots in tests. Sizes are in bytes. */
export interface HardwareSnapshot {
  readonly cpu: CpuInfo;
  readonly gpus: readonly GpuInfo[];
  readonly memory: MemoryInfo;
}

/** The CPU as reported by the operating system, and derived properties. */
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
  /** CPUID family, model and stepping; null if the CPU has no CPUID. */
  readonly family: number | null;
  readonly model: number | null;
  readonly stepping: number | null;
  /**
   * Part number of an Arm core (MIDR_EL1 bits 15 to 4), of the fastest cores if there are several kinds; null for other
   * CPUs.
   */
  readonly part: number | null;
  /**
   * Feature flags with Linux's names, in lower case (`avx2`, `avx512_vnni`, `asimddp`, …). Empty if the operating
   * system does not list all of them (Windows, macOS); features are then derived from the microarchitecture.
   */
  readonly flags: readonly string[];
  /** Number of physical cores that this process may use, which may be limited by a container. */
  readonly cores: number;
  /** Number of hardware threads that this process may use. */
  readonly threads: number;
  /** Number of performance cores; absent if all cores are of one kind or the system does not report them. */
  readonly performanceCores?: number;
}

/** Total memory of the GPUs that llama.cpp uses, as reported by its backend, in bytes. */
export interface GpuMemory {
  readonly total: number;
  readonly free: number;
  /** Whether the memory is part of the main memory. */
  readonly isShared: boolean;
}

/** The GPUs that llama.cpp can use, as reported by its backend. */
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
   * Whether the GPU shares the main memory (Apple, integrated graphics). Its VRAM is then the maximum part of the RAM
   * that it may use.
   */
  readonly sharedMemory: boolean;
  readonly driver?: string;
  /** The backend with which llama.cpp uses the GPU; null if it cannot use it, absent if llama.cpp was not queried. */
  readonly backend?: GpuBackend | null;
}

export interface MemoryInfo {
  readonly total: number;
  /** Memory that programs can use without swapping: Linux's `MemAvailable`, not only free memory. */
  readonly available: number;
}
