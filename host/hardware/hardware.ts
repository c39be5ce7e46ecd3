import type { Logger } from '../log.ts';
import { detectCpu } from './cpu.ts';
import { gpusFrom } from './gpus.ts';
import { detectMemory } from './memory.ts';
import type { CpuInfo, GpuInfo, HardwareSnapshot, MemoryInfo } from './types.ts';

/** GPUs' free memory older than this is asked for anew, milliseconds: it changes with every load, and asking takes a process. */
const GPUS_FRESH_MS = 2_000;

/** Longest the system may take to tell of its GPUs, milliseconds. A driver in trouble can hang; the host does not. */
const GPUS_TIMEOUT_MS = 10_000;

/** Knows this machine. What cannot change is found out once; memory is always as it is now. */
export class Hardware {
  readonly #log: Logger;
  #cpu: Promise<CpuInfo> | undefined;
  #gpus: { readonly asked: number; readonly found: Promise<GpuInfo[]> } | undefined;

  constructor(options: { log: Logger }) {
    this.#log = options.log;
  }

  async snapshot(): Promise<HardwareSnapshot> {
    const [cpu, gpus, memory] = await Promise.all([this.cpu(), this.gpus(), this.memory()]);
    return { cpu, gpus, memory };
  }

  cpu(): Promise<CpuInfo> {
    this.#cpu ??= detectCpu();
    return this.#cpu;
  }

  memory(): Promise<MemoryInfo> {
    return detectMemory();
  }

  /** The GPUs that can compute, discrete and large ones first. None when the system does not tell in time. */
  gpus(): Promise<GpuInfo[]> {
    const now = performance.now();
    if (this.#gpus === undefined || now - this.#gpus.asked > GPUS_FRESH_MS) {
      this.#gpus = { asked: now, found: this.#askForGpus() };
    }
    return this.#gpus.found;
  }

  async #askForGpus(): Promise<GpuInfo[]> {
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => timeout.reject(new Error(`No answer in ${GPUS_TIMEOUT_MS} ms`)), GPUS_TIMEOUT_MS);
    try {
      const { graphics } = await import('systeminformation');
      const [{ controllers }, memory] = await Promise.all([Promise.race([graphics(), timeout.promise]), this.memory()]);
      return gpusFrom(controllers, memory);
    } catch (error) {
      this.#log.warn('hardware.gpus-unknown', { error });
      return [];
    } finally {
      clearTimeout(timer);
    }
  }
}
