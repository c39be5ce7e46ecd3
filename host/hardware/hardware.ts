import { type Lazy, lazy } from '../common/lazy.ts';
import type { Logger } from '../common/log.ts';
import { cpuFacts } from './cpu-facts.ts';
import { type FoundGpu, sizeGpus } from './found-gpu.ts';
import { findGpus } from './gpus.ts';
import { type Machine, thisMachine } from './machine.ts';
import { memoryInfo } from './memory.ts';
import { microarchitecture } from './microarchitecture.ts';
import type { CpuInfo, GpuInfo, HardwareSnapshot, MemoryInfo } from './types.ts';
import { chooseVariant } from './variant.ts';

/** How old a figure of free VRAM may be, milliseconds. nvidia-smi takes some 50 ms, and models come and go in seconds. */
const VRAM_FRESH_MS = 2_000;

/** How long "no GPU" stands, milliseconds: asking starts programs, and a GPU comes up rarely (a driver that was slow). */
const NO_GPU_FRESH_MS = 60_000;

/** What this machine is. The CPU is asked once, the GPUs when what is known of them is old, the memory every time. */
export class Hardware {
  readonly #log: Logger;
  readonly #machine: Machine;
  readonly cpu: Lazy<CpuInfo> = lazy(() => this.#findCpu());
  #gpus: { readonly found: Promise<FoundGpu[]>; freshUntil: number; hasSome: boolean } | undefined;

  /** `env` is what programs (nvidia-smi) are started with; without it, as this process was. */
  constructor(options: { log: Logger; env?: Readonly<NodeJS.ProcessEnv>; machine?: Machine }) {
    this.#log = options.log;
    this.#machine = options.machine ?? thisMachine(options.env);
  }

  /** Everything, at one moment. */
  async snapshot(): Promise<HardwareSnapshot> {
    const [cpu, found, memory] = await Promise.all([this.cpu(), this.#findGpus(), this.memory()]);
    return { cpu, gpus: sizeGpus(found, memory), memory };
  }

  /** Has the GPUs asked anew next time: for whoever has just freed some of their memory. */
  forgetVram(): void {
    if (this.#gpus?.hasSome) this.#gpus = undefined;
  }

  async gpus(): Promise<GpuInfo[]> {
    const [found, memory] = await Promise.all([this.#findGpus(), this.memory()]);
    return sizeGpus(found, memory);
  }

  memory(): Promise<MemoryInfo> {
    return memoryInfo(this.#machine);
  }

  async #findCpu(): Promise<CpuInfo> {
    const facts = await cpuFacts(this.#machine);
    return { ...facts, microarchitecture: microarchitecture(facts), variant: chooseVariant(facts) };
  }

  /** One probe at a time; whoever asks meanwhile waits for the same one. */
  #findGpus(): Promise<FoundGpu[]> {
    if (this.#gpus !== undefined && performance.now() < this.#gpus.freshUntil) return this.#gpus.found;
    const found = findGpus(this.#machine, this.#log);
    const gpus = { found, freshUntil: Number.POSITIVE_INFINITY, hasSome: false };
    this.#gpus = gpus;
    // From the answer on, not from the question: a slow probe would be asked again at once.
    return found.then((list) => {
      gpus.hasSome = list.length > 0;
      gpus.freshUntil = performance.now() + (list.length === 0 ? NO_GPU_FRESH_MS : VRAM_FRESH_MS);
      return list;
    });
  }
}
