import { type Lazy, lazy } from '../common/lazy.ts';
import type { Logger } from '../common/log.ts';
import { basicCpuFacts, cpuFacts } from './cpu-facts.ts';
import { type DetectedGpu, resolveGpuMemory, withBackend } from './found-gpu.ts';
import { detectGpus } from './gpus.ts';
import { type Machine, thisMachine } from './machine.ts';
import { memoryInfo } from './memory.ts';
import { microarchitecture } from './microarchitecture.ts';
import type { BackendGpus, CpuFacts, CpuInfo, GpuInfo, HardwareSnapshot, MemoryInfo } from './types.ts';
import { chooseVariant } from './variant.ts';

/**
 * How long GPU information is cached, in milliseconds. nvidia-smi takes about 50 ms, and free VRAM changes within
 * seconds as models are loaded.
 */
const VRAM_FRESH_MS = 2_000;

/**
 * How long the absence of GPUs is cached, in milliseconds: detection starts programs, and a GPU rarely appears later.
 */
const NO_GPU_FRESH_MS = 60_000;

/** Detects the hardware. The CPU is detected once, GPUs are cached for a short time, and memory is read every time. */
export class Hardware {
  readonly #queryBackend: () => Promise<BackendGpus | null | undefined>;
  readonly #log: Logger;
  readonly #machine: Machine;
  readonly cpu: Lazy<CpuInfo> = lazy(() => this.#findCpu());
  #gpus: { readonly found: Promise<DetectedGpu[]>; freshUntil: number; hasSome: boolean } | undefined;

  /**
   * @param options.env Environment of programs such as nvidia-smi. Default: that of this process. `backend`: returns
   * the   GPUs that llama.cpp can use; see {@link withBackend}.
   */
  constructor(options: {
    log: Logger;
    env?: Readonly<NodeJS.ProcessEnv>;
    machine?: Machine;
    backend?: () => Promise<BackendGpus | null | undefined>;
  }) {
    this.#queryBackend = options.backend ?? (async () => undefined);
    this.#log = options.log;
    this.#machine = options.machine ?? thisMachine(options.env);
  }

  /** Returns the current state of all hardware. */
  async snapshot(): Promise<HardwareSnapshot> {
    const [cpu, found, memory] = await Promise.all([this.cpu(), this.#findGpus(), this.memory()]);
    return { cpu, gpus: resolveGpuMemory(found, memory), memory };
  }

  /** Discards cached GPU information. Call it after GPU memory was allocated or freed. */
  invalidateVram(): void {
    if (this.#gpus?.hasSome) this.#gpus = undefined;
  }

  async gpus(): Promise<GpuInfo[]> {
    const [found, memory] = await Promise.all([this.#findGpus(), this.memory()]);
    return resolveGpuMemory(found, memory);
  }

  memory(): Promise<MemoryInfo> {
    return memoryInfo(this.#machine, this.#log);
  }

  async #findCpu(): Promise<CpuInfo> {
    const facts = await this.#cpuFacts();
    return { ...facts, microarchitecture: microarchitecture(facts), variant: chooseVariant(facts) };
  }

  /**
   * Detects the CPU. If the system does not respond in time, as on a busy computer, returns basic information, and
   * detection is repeated the next time.
   */
  async #cpuFacts(): Promise<CpuFacts> {
    try {
      return await cpuFacts(this.#machine);
    } catch (error) {
      this.#log.warn('hardware.cpu_probe_failed', { error });
      this.cpu.reset();
      return basicCpuFacts(this.#machine);
    }
  }

  async #detectGpus(): Promise<DetectedGpu[]> {
    const [found, backend] = await Promise.all([detectGpus(this.#machine, this.#log), this.#queryBackend()]);
    return withBackend(found, backend);
  }

  /** Returns the cached GPUs or detects them. Concurrent callers share the detection. */
  #findGpus(): Promise<DetectedGpu[]> {
    if (this.#gpus !== undefined && performance.now() < this.#gpus.freshUntil) return this.#gpus.found;
    const found = this.#detectGpus();
    const gpus = { found, freshUntil: Number.POSITIVE_INFINITY, hasSome: false };
    this.#gpus = gpus;
    // The cache time starts after detection; otherwise, a slow detection would be repeated immediately.
    return found.then((list) => {
      gpus.hasSome = list.length > 0;
      gpus.freshUntil = performance.now() + (list.length === 0 ? NO_GPU_FRESH_MS : VRAM_FRESH_MS);
      return list;
    });
  }
}
