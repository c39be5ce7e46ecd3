import { describe, expect, it } from '@jest/globals';
import { type DetectedGpu, withBackend } from '../../../host/hardware/found-gpu.ts';
import { usableGpus } from '../../../host/hardware/memory-budget.ts';
import type { BackendGpus, CpuInfo, GpuInfo } from '../../../host/hardware/types.ts';

const GiB = 1024 ** 3;

const RTX: DetectedGpu = {
  name: 'NVIDIA GeForce RTX 4090',
  vendor: 'nvidia',
  totalVram: 24 * GiB,
  availableVram: 20 * GiB,
  sharedMemory: false,
  driver: '570.1',
};
const RADEON: DetectedGpu = {
  name: 'AMD Radeon RX 7800 XT',
  vendor: 'amd',
  totalVram: 16 * GiB,
  availableVram: 15 * GiB,
  sharedMemory: false,
};
const IRIS: DetectedGpu = {
  name: 'Intel Iris Xe',
  vendor: 'intel',
  totalVram: null,
  availableVram: null,
  sharedMemory: true,
};

const backend = (names: string[], memory: Partial<BackendGpus['memory']> = {}): BackendGpus => ({
  backend: 'vulkan',
  names,
  memory: { total: 8 * GiB, free: 6 * GiB, isShared: false, ...memory },
});

describe('withBackend', () => {
  it("keeps the system's information about a GPU that llama.cpp uses", () => {
    expect(withBackend([RTX], backend(['NVIDIA GeForce RTX 4090']))).toEqual([{ ...RTX, backend: 'vulkan' }]);
    expect(withBackend([RADEON], backend(['AMD Radeon RX 7800 XT (RADV NAVI32)']))).toEqual([
      { ...RADEON, backend: 'vulkan' },
    ]);
  });

  it('adds a GPU that only llama.cpp reports, with its memory', () => {
    expect(withBackend([], backend(['llvmpipe (LLVM 15.0.6, 256 bits)']))).toEqual([
      {
        name: 'llvmpipe (LLVM 15.0.6, 256 bits)',
        vendor: 'other',
        totalVram: 8 * GiB,
        availableVram: 6 * GiB,
        sharedMemory: false,
        backend: 'vulkan',
      },
    ]);
  });

  it('assigns the remaining memory to a GPU that only llama.cpp reports', () => {
    const [, other] = withBackend([RADEON], backend([RADEON.name, 'Another'], { total: 20 * GiB, free: 18 * GiB }));
    expect(other).toMatchObject({ name: 'Another', totalVram: 4 * GiB, availableVram: 3 * GiB });
  });

  it('marks the GPUs that llama.cpp cannot use', () => {
    expect(withBackend([RTX, IRIS], backend([RTX.name])).map((gpu) => gpu.backend)).toEqual(['vulkan', null]);
    expect(withBackend([RTX], null)).toEqual([{ ...RTX, backend: null }]);
  });

  it('changes nothing without information from llama.cpp', () => {
    expect(withBackend([RTX, IRIS], undefined)).toEqual([RTX, IRIS]);
  });
});

describe('usableGpus', () => {
  const used = (...gpus: Partial<GpuInfo>[]) =>
    usableGpus({
      cpu: { platform: 'linux', architecture: 'x64' } as CpuInfo,
      gpus: gpus.map((gpu, index) => ({
        name: String(index),
        vendor: 'other',
        totalVram: 1,
        availableVram: 1,
        sharedMemory: false,
        ...gpu,
      })),
      memory: { total: 1, available: 1 },
    }).map(({ name }) => name);

  it('are those of the backend, whatever their vendor', () => {
    expect(used({ backend: 'vulkan' }, { vendor: 'nvidia', backend: null })).toEqual(['0']);
    expect(used({ vendor: 'nvidia', backend: null })).toEqual([]);
  });

  it('include integrated ones only if there are no others', () => {
    expect(used({ sharedMemory: true, backend: 'vulkan' })).toEqual(['0']);
    expect(used({ sharedMemory: true, backend: 'vulkan' }, { backend: 'vulkan' })).toEqual(['1']);
  });
});
