import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { systemInfo } from '../../../host/hardware/system-info.ts';
import type { GpuInfo } from '../../../host/hardware/types.ts';
import { systemInfo as systemInfoSchema } from '../../../host/protocol/actions/system.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

const GiB = 1024 ** 3;
const OS = { type: 'Linux', release: '6.8.0-45-generic', version: '#45-Ubuntu SMP' };
const MEMORY = { total: 23.5 * GiB, available: 12 * GiB };

const GPUS: GpuInfo[] = [
  {
    name: 'RTX 4090',
    vendor: 'nvidia',
    totalVram: 24 * GiB,
    availableVram: 23 * GiB,
    sharedMemory: false,
    driver: '550',
  },
  { name: 'RX 7900', vendor: 'amd', totalVram: 20 * GiB, availableVram: 20 * GiB, sharedMemory: false },
  { name: 'UHD 630', vendor: 'intel', totalVram: 12 * GiB, availableVram: 12 * GiB, sharedMemory: true },
  { name: 'Apple M2', vendor: 'apple', totalVram: 16 * GiB, availableVram: 9 * GiB, sharedMemory: true },
  { name: 'Some accelerator', vendor: 'other', totalVram: GiB, availableVram: GiB, sharedMemory: false },
];

describe('systemInfo', () => {
  it.each(RECORDED_CPUS)('of $machine matches the protocol', ({ facts, microarchitecture, variant }) => {
    const cpu = { ...facts, microarchitecture, variant };
    for (const gpus of [[], GPUS]) {
      const info = systemInfo({ cpu, gpus, memory: MEMORY }, OS);
      expect(v.parse(systemInfoSchema, info)).toEqual(info);
      expect(info.devices.cpu).toMatchObject({ name: facts.modelName, cores: facts.cores, threads: facts.threads });
      expect(info.devices.cpu.family).toBe(microarchitecture ?? undefined);
    }
  });

  it('has human-readable sizes, and GPUs by vendor', () => {
    const [recorded] = RECORDED_CPUS;
    if (recorded === undefined) throw new Error('The recordings are gone');
    const cpu = { ...recorded.facts, microarchitecture: 'Zen 4', variant: 'zen4' };
    const info = systemInfo({ cpu, gpus: GPUS, memory: MEMORY }, OS);
    expect(info.os_version).toContain('6.8.0-45-generic');
    expect(info.physical_memory).toBe('23.5 GB');
    const { nvidia_dgpu, amd_dgpu, intel_gpu } = info.devices;
    expect(nvidia_dgpu).toMatchObject([{ name: 'RTX 4090', vram_gb: 24, driver_version: '550' }]);
    expect(amd_dgpu).toMatchObject([{ name: 'RX 7900', vram_gb: 20 }]);
    expect(intel_gpu).toMatchObject([{ name: 'UHD 630', vram_gb: null }]);
  });
});
