import type * as v from 'valibot';
import { defined } from '../common/defined.ts';
import type { systemInfo as systemInfoSchema } from '../protocol/actions/system.ts';
import type { CpuInfo, GpuInfo, HardwareSnapshot } from './types.ts';

/** The operating system as reported by Node: `Linux`, `6.8.0-45-generic`, `#45-Ubuntu SMP …`. */
export interface OsFacts {
  readonly type: string;
  readonly release: string;
  readonly version: string;
}

type Payload = v.InferOutput<typeof systemInfoSchema>;
type Engines = Payload['devices']['cpu']['inference_engines'];

/** Returns the response to GET_SYSTEM_INFO for a snapshot of the hardware. */
export function systemInfo({ cpu, gpus, memory }: HardwareSnapshot, os: OsFacts): Payload {
  const gpusOf = (vendor: GpuInfo['vendor']) =>
    gpus.filter((gpu) => gpu.vendor === vendor).map((gpu) => gpuDevice(gpu, cpu));
  return {
    os_version: [os.type, os.release, os.version].filter((part) => part !== '').join(' '),
    processor: cpu.modelName,
    physical_memory: `${gigabytes(memory.total)} GB`,
    devices: {
      cpu: {
        name: cpu.modelName,
        available: true,
        cores: cpu.cores,
        threads: cpu.threads,
        ...(cpu.microarchitecture === null ? {} : { family: cpu.microarchitecture }),
        inference_engines: { 'llama.cpp': { available: true } },
      },
      nvidia_dgpu: gpusOf('nvidia'),
      amd_dgpu: gpusOf('amd'),
      intel_gpu: gpusOf('intel'),
    },
  };
}

function gpuDevice(gpu: GpuInfo, cpu: CpuInfo): Payload['devices']['nvidia_dgpu'][number] {
  return {
    name: gpu.name,
    available: true,
    vram_gb: gpu.sharedMemory ? null : gigabytes(gpu.totalVram),
    ...defined({ driver_version: gpu.driver }),
    inference_engines: gpuEngines(gpu, cpu),
  };
}

/**
 * Returns the llama.cpp backend for a GPU. The packages contain CUDA and Vulkan for x64, and Metal for Apple silicon.
 */
function gpuEngines({ vendor }: GpuInfo, { platform, architecture }: CpuInfo): Engines {
  if (platform === 'darwin' || architecture !== 'x64') {
    return {
      'llama.cpp': {
        available: false,
        error: `llama.cpp has no GPU backend for ${platform} on ${architecture}`,
      },
    };
  }
  return { [vendor === 'nvidia' ? 'llama.cpp-cuda' : 'llama.cpp-vulkan']: { available: true } };
}

/** Converts bytes to binary gigabytes with one decimal place, the unit in which memory is sold. */
function gigabytes(bytes: number): number {
  return Math.round((bytes / 1024 ** 3) * 10) / 10;
}
