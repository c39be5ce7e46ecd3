import type { Snapshot } from '../../../extension/page/snapshot.ts';

type Machine = NonNullable<Snapshot['machine']>;

/** Returns a computer with this much memory, in bytes, all of it free. */
export function machineWith(ram: number, vram = 0): Machine {
  const gpu = { available: true, name: 'GPU', vendor: 'X', total_vram: vram, available_vram: vram, used_vram: 0 };
  const cpu = {
    architecture: 'x64',
    model_name: 'CPU',
    cores: 2,
    threads: 2,
    vendor: 'Y',
    microarchitecture: null,
    variant: null,
  };
  return {
    gpu: vram === 0 ? null : gpu,
    gpus: vram === 0 ? [] : [gpu],
    cpu,
    total_ram: ram,
    available_ram: ram,
    used_ram: 0,
    disk: null,
  };
}
