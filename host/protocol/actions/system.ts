import * as v from 'valibot';
import { Bytes } from '../fields.ts';

/** Longest version taken from a message, characters. */
const Version = v.pipe(v.string(), v.maxLength(64, 'a version such as "1.2.3"'));

export const PingRequest = v.looseObject({
  /** *Ours*: the client's own version. */
  clientVersion: v.optional(Version),
  /** *Ours*: the oldest host that client works with. */
  oldestHost: v.optional(Version),
});
/** The same fields stand at the top level of the reply, where the original had them. */
export const PingPayload = v.object({
  response: v.literal('pong'),
  version: v.string(),
  pid: v.number(),
  /** *Ours*: the oldest client this host works with. */
  oldestClient: v.string(),
  /** *Ours*: the side that is too old for the other; the reply's message says so in words. */
  update: v.optional(v.picklist(['client', 'host'])),
});

export const GetSystemInfoRequest = v.looseObject({ verbose: v.optional(v.boolean()) });

/** Which engines can use a device: `available` with a version, or not with a reason. */
const InferenceEngines = v.record(
  v.string(),
  v.object({ available: v.boolean(), version: v.optional(v.string()), error: v.optional(v.string()) }),
);
const GpuDevice = v.object({
  name: v.string(),
  available: v.boolean(),
  vram_gb: v.nullable(v.number()),
  driver_version: v.optional(v.string()),
  inference_engines: InferenceEngines,
});
export const SystemInfo = v.object({
  os_version: v.string(),
  processor: v.string(),
  /** As people say it: `"23.5 GB"`. */
  physical_memory: v.string(),
  devices: v.object({
    cpu: v.object({
      name: v.string(),
      available: v.boolean(),
      cores: v.number(),
      threads: v.number(),
      family: v.optional(v.string()),
      inference_engines: InferenceEngines,
    }),
    nvidia_dgpu: v.array(GpuDevice),
    amd_dgpu: v.array(GpuDevice),
    intel_gpu: v.array(GpuDevice),
    npu: v.optional(GpuDevice),
  }),
});

export const GetSystemResourcesRequest = v.looseObject({});
export const GpuResources = v.object({
  available: v.boolean(),
  name: v.string(),
  vendor: v.string(),
  total_vram: Bytes,
  available_vram: Bytes,
  used_vram: Bytes,
});
export const SystemResourcesPayload = v.object({
  gpu: v.nullable(GpuResources),
  gpus: v.array(GpuResources),
  cpu: v.object({
    architecture: v.string(),
    model_name: v.string(),
    /** Physical cores. */
    cores: v.number(),
    /** Hardware threads. */
    threads: v.number(),
    vendor: v.string(),
    microarchitecture: v.nullable(v.string()),
    /** The llama.cpp binary chosen for this CPU, as ggml names it (`haswell`, `zen4`, `apple_m2_m3`); null where there is only one. */
    variant: v.nullable(v.string()),
  }),
  total_ram: Bytes,
  available_ram: Bytes,
  used_ram: Bytes,
  /** The volume that holds the models. */
  disk: v.nullable(v.object({ total: Bytes, available: Bytes })),
});

export const GetMemoryUsageRequest = v.looseObject({});
export const MemoryUsagePayload = v.object({
  ram: v.object({ total: Bytes, used: Bytes, available: Bytes }),
  vram: v.nullable(v.object({ total: Bytes, used: Bytes, available: Bytes })),
  loadedModelsCount: v.number(),
  memoryUsedByModels: Bytes,
  /** Models on the disk: how many, and their bytes together. */
  cached: v.object({ count: v.number(), bytes: Bytes }),
  timestamp: v.number(),
});
