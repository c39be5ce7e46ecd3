import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { bytes, count, field, nullable, optional, unixSeconds } from '../fields.ts';

const inferenceEngines = v.record(
  v.string(),
  v.object({
    available: field(v.boolean(), 'Whether the engine can use the device.'),
    version: optional(v.string(), 'Its version, if it is available.'),
    error: optional(v.string(), 'Why it is not available.'),
  }),
);

const gpuDevice = v.object({
  name: field(v.string(), 'The name of the device.'),
  available: field(v.boolean(), 'Whether the device was found.'),
  vram_gb: nullable(v.number(), 'GPU memory in decimal gigabytes; null where it is unknown.'),
  driver_version: optional(v.string(), 'The version of its driver.'),
  inference_engines: field(inferenceEngines, 'The engines that could use the device, by name.'),
});

export const systemInfo = v.object({
  os_version: field(v.string(), 'The operating system and its version.'),
  processor: field(v.string(), 'The name of the processor.'),
  physical_memory: field(v.string(), 'The installed memory, for display, such as `"23.5 GB"`.'),
  devices: field(
    v.object({
      cpu: field(
        v.object({
          name: field(v.string(), 'The name of the processor.'),
          available: field(v.boolean(), 'Always true.'),
          cores: field(count, 'Physical cores.'),
          threads: field(count, 'Hardware threads.'),
          family: optional(v.string(), 'The microarchitecture, where it is known.'),
          inference_engines: field(inferenceEngines, 'The engines that could use the processor, by name.'),
        }),
        'The processor.',
      ),
      nvidia_dgpu: field(v.array(gpuDevice), 'NVIDIA GPUs.'),
      amd_dgpu: field(v.array(gpuDevice), 'AMD GPUs.'),
      intel_gpu: field(v.array(gpuDevice), 'Intel GPUs.'),
      npu: optional(gpuDevice, 'A neural processing unit.'),
    }),
    'The devices of the computer.',
  ),
  sandbox: optional(
    v.object({
      kind: nullable(
        v.picklist(['bubblewrap', 'sandbox-exec']),
        'The sandbox in which models run; null if there is none.',
      ),
      reason: nullable(v.string(), 'Why there is no sandbox; null if there is one.'),
    }),
    'Extension: the sandbox of the processes that run models; absent if no process can be started.',
  ),
});

export const getSystemInfo = defineAction({
  name: 'GET_SYSTEM_INFO',
  summary: 'Returns information about the computer and its devices, with the backends available for each.',
  request: { verbose: optional(v.boolean(), 'Accepted for clients of the original; has no effect.') },
  response: systemInfo,
  topLevel: 'payload',
});

const gpu = v.object({
  available: field(v.boolean(), 'Always true.'),
  name: field(v.string(), 'The name of the GPU.'),
  vendor: field(v.string(), 'Its manufacturer.'),
  total_vram: field(bytes, 'Its memory.'),
  available_vram: field(bytes, 'Its free memory.'),
  used_vram: field(bytes, 'Its used memory.'),
});

const diskSpace = v.object({
  total: field(bytes, 'The size of the disk.'),
  available: field(bytes, 'The free space that the user may use.'),
});

export const getSystemResources = defineAction({
  name: 'GET_SYSTEM_RESOURCES',
  summary: 'Returns the current state of GPUs, CPU, memory and disk.',
  request: {},
  response: v.object({
    gpu: nullable(gpu, 'The first GPU; null if none was found.'),
    gpus: field(v.array(gpu), 'All GPUs.'),
    cpu: field(
      v.object({
        architecture: field(v.string(), 'The instruction set, such as `x64` or `arm64`.'),
        model_name: field(v.string(), 'The name of the processor.'),
        cores: field(count, 'Physical cores.'),
        threads: field(count, 'Hardware threads.'),
        vendor: field(v.string(), 'Its manufacturer.'),
        microarchitecture: nullable(v.string(), 'The microarchitecture; null where it is unknown.'),
        variant: nullable(
          v.string(),
          'The llama.cpp library chosen for this CPU, named as ggml names it (`haswell`, `zen4`, `apple_m2_m3`); null where the platform has only one.',
        ),
      }),
      'The processor.',
    ),
    total_ram: field(bytes, 'Installed memory.'),
    available_ram: field(bytes, 'Memory that programs can still use.'),
    used_ram: field(bytes, 'Memory in use.'),
    disk: nullable(diskSpace, 'The disk of the models; null where the system does not report it.'),
  }),
});

const memory = v.object({
  total: field(bytes, 'All of it.'),
  used: field(bytes, 'The used part.'),
  available: field(bytes, 'The free part.'),
});

export const getMemoryUsage = defineAction({
  name: 'GET_MEMORY_USAGE',
  summary: 'Returns current memory, VRAM and cache usage.',
  request: {},
  response: v.object({
    ram: field(memory, 'Main memory.'),
    vram: nullable(memory, 'GPU memory of all GPUs; null without a GPU.'),
    loadedModelsCount: field(count, 'Models loaded by this host.'),
    memoryUsedByModels: field(bytes, 'Main and GPU memory they use.'),
    cached: field(
      v.object({
        count: field(count, 'How many.'),
        bytes: field(bytes, 'Their size.'),
      }),
      'The downloaded models.',
    ),
    timestamp: field(unixSeconds, 'When this was measured.'),
  }),
  errors: ['CACHE_ERROR', 'CACHE_NOT_WRITABLE', 'CACHE_MOVING'],
});
