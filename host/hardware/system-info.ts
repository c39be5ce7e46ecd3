import type * as v from 'valibot';
import type { SystemInfo } from '../protocol/actions/system.ts';
import type { GpuInfo, HardwareSnapshot } from './types.ts';

/** What the operating system calls itself, as `node:os` tells. */
export interface OsFacts {
  readonly type: string;
  readonly release: string;
  readonly version: string;
}

/** Builds the original's GET_SYSTEM_INFO out of a snapshot. */
export function systemInfo({ cpu, gpus, memory }: HardwareSnapshot, os: OsFacts): v.InferOutput<typeof SystemInfo> {
  const of = (vendor: GpuInfo['vendor']) => gpus.filter((gpu) => gpu.vendor === vendor).map(device);
  return {
    os_version: `${os.type} ${os.release} (${os.version})`,
    processor: cpu.modelName,
    physical_memory: `${(memory.total / 1e9).toFixed(1)} GB`,
    devices: {
      cpu: {
        name: cpu.modelName,
        available: true,
        cores: cpu.cores,
        threads: cpu.threads,
        ...(cpu.microarchitecture === null ? {} : { family: cpu.microarchitecture }),
        inference_engines: {
          'llama.cpp': { available: true, ...(cpu.variant === null ? {} : { version: cpu.variant }) },
        },
      },
      nvidia_dgpu: of('nvidia'),
      amd_dgpu: of('amd'),
      intel_gpu: of('intel'),
    },
  };
}

function device(gpu: GpuInfo) {
  return {
    name: gpu.name,
    available: true,
    vram_gb: gpu.sharedMemory ? null : Math.round(gpu.totalVram / 1e8) / 10,
    ...(gpu.driver === undefined ? {} : { driver_version: gpu.driver }),
    inference_engines: { 'llama.cpp': { available: true } },
  };
}
