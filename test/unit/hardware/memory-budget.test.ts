import { describe, expect, it } from '@jest/globals';
import { memoryBudgetOn, usableGpus } from '../../../host/hardware/memory-budget.ts';
import type { CpuInfo, GpuInfo, HardwareSnapshot } from '../../../host/hardware/types.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

const GiB = 1024 ** 3;

const gpu = (vendor: GpuInfo['vendor'], gib: number, sharedMemory = false): GpuInfo => ({
  name: `${vendor} ${gib}`,
  vendor,
  totalVram: gib * GiB,
  availableVram: gib * GiB,
  sharedMemory,
});

function on(platform: string, architecture: string, gpus: GpuInfo[], available = 32): HardwareSnapshot {
  const [recorded] = RECORDED_CPUS;
  if (recorded === undefined) throw new Error('The recordings are gone');
  const cpu: CpuInfo = { ...recorded.facts, platform, architecture, microarchitecture: null, variant: null };
  return { cpu, gpus, memory: { total: 64 * GiB, available: available * GiB } };
}

const names = (snapshot: HardwareSnapshot) => usableGpus(snapshot).map(({ name }) => name);

describe('usableGpus', () => {
  it('are all dedicated GPUs of one vendor, preferably Nvidia, because CUDA supports no others', () => {
    const all = [gpu('amd', 24), gpu('nvidia', 12), gpu('nvidia', 8), gpu('intel', 16, true)];
    expect(names(on('linux', 'x64', all))).toEqual(['nvidia 12', 'nvidia 8']);
    expect(names(on('win32', 'x64', all.slice(0, 1)))).toEqual(['amd 24']);
  });

  it('do not include integrated GPUs of Intel and AMD', () => {
    expect(names(on('linux', 'x64', [gpu('intel', 16, true), gpu('amd', 16, true)]))).toEqual([]);
  });

  it.each([
    ['linux', 'arm64'],
    ['win32', 'arm64'],
    ['darwin', 'x64'],
  ])('are empty if llama.cpp has no GPU backend: %s on %s', (platform, architecture) => {
    expect(names(on(platform, architecture, [gpu('nvidia', 24), gpu('apple', 24, true), gpu('amd', 8)]))).toEqual([]);
  });

  it('include Apple’s on Apple silicon', () => {
    expect(names(on('darwin', 'arm64', [gpu('apple', 24, true)]))).toEqual(['apple 24']);
  });
});

describe('memoryBudgetOn', () => {
  it('is the free memory minus a reserve on each GPU and in main memory', () => {
    const { vram, ram, shared } = memoryBudgetOn(on('linux', 'x64', [gpu('nvidia', 12), gpu('nvidia', 8)]));
    expect(shared).toBe(false);
    expect(vram).toBeLessThan(19 * GiB);
    expect(vram).toBeGreaterThan(18 * GiB);
    expect(ram).toBe(31 * GiB);
  });

  it('is never negative', () => {
    expect(memoryBudgetOn(on('linux', 'x64', [gpu('nvidia', 0.25)], 0.5))).toMatchObject({ vram: 0, ram: 0 });
  });

  it('is shared on a Mac', () => {
    expect(memoryBudgetOn(on('darwin', 'arm64', [gpu('apple', 24, true)])).shared).toBe(true);
  });
});
