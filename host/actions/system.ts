import * as os from 'node:os';
import { defined } from '../common/defined.ts';
import { sum } from '../common/sum.ts';
import type { GpuInfo } from '../hardware/types.ts';
import * as declared from '../protocol/actions/system.ts';
import { handle } from './action.ts';

function gpuEntry(gpu: GpuInfo) {
  return {
    available: true,
    name: gpu.name,
    vendor: gpu.vendor,
    total_vram: gpu.totalVram,
    available_vram: gpu.availableVram,
    used_vram: gpu.totalVram - gpu.availableVram,
  };
}

export const getSystemInfo = handle(declared.getSystemInfo, async (_request, { services }) => {
  const [hardware, { systemInfo }] = await Promise.all([services.hardware(), import('../hardware/system-info.ts')]);
  const payload = systemInfo(await hardware.snapshot(), {
    type: os.type(),
    release: os.release(),
    version: os.version(),
  });
  // Without an engine, such as for an invalid TABAGENT_GPU, the other facts help to find out why.
  const sandbox = await services.engine().then(
    ({ containment: { kind = null, reason = null } }) => ({ kind, reason }),
    () => undefined,
  );
  return { payload: { ...payload, ...defined({ sandbox }) } };
});

export const getSystemResources = handle(declared.getSystemResources, async (_request, { services }) => {
  const hardware = await services.hardware();
  const [{ cpu, gpus, memory }, disk] = await Promise.all([
    hardware.snapshot(),
    // The cache may be on a disk that is not connected.
    services.cache().then(
      (cache) => cache.disk(),
      () => null,
    ),
  ]);
  const entries = gpus.map(gpuEntry);
  return {
    payload: {
      gpu: entries[0] ?? null,
      gpus: entries,
      cpu: {
        architecture: cpu.architecture,
        model_name: cpu.modelName,
        cores: cpu.cores,
        threads: cpu.threads,
        vendor: cpu.vendor,
        microarchitecture: cpu.microarchitecture,
        variant: cpu.variant,
      },
      total_ram: memory.total,
      available_ram: memory.available,
      used_ram: memory.total - memory.available,
      disk,
    },
  };
});

export const getMemoryUsage = handle(declared.getMemoryUsage, async (_request, { services }) => {
  const [hardware, registry, cache] = await Promise.all([services.hardware(), services.models(), services.cache()]);
  const [{ memory, gpus }, models] = await Promise.all([hardware.snapshot(), cache.list()]);
  const loaded = registry.list().filter(({ modelType }) => modelType !== 'remote');
  const total = sum(gpus.map((gpu) => gpu.totalVram));
  const available = sum(gpus.map((gpu) => gpu.availableVram));
  return {
    payload: {
      ram: { total: memory.total, used: memory.total - memory.available, available: memory.available },
      vram: gpus.length === 0 ? null : { total, used: total - available, available },
      loadedModelsCount: loaded.length,
      memoryUsedByModels: sum(loaded.map((model) => model.ramUsed + model.vramUsed)),
      cached: { count: models.length, bytes: sum(models.map((model) => model.size)) },
      timestamp: Date.now() / 1000,
    },
  };
});
