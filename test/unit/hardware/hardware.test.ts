import { describe, expect, it } from '@jest/globals';
import { Hardware } from '../../../host/hardware/hardware.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { recordedMachine } from '../../support/snapshots/machine.ts';

describe('Hardware', () => {
  it("returns Node.js's information about the CPU if the system does not respond, and retries the next time", async () => {
    const cpu = {
      vendor: '',
      manufacturer: 'Maker',
      brand: 'CPU',
      family: '',
      model: '',
      stepping: '',
      physicalCores: 4,
      cores: 8,
    };
    let answers = false;
    const systemInformation = async () => {
      if (!answers) throw new Error('PowerShell is busy');
      return { cpu: async () => cpu } as never;
    };
    const log = new RecordedLog();
    const machine = recordedMachine({ platform: 'win32', brand: 'Brand', usableThreads: 6, systemInformation });
    const hardware = new Hardware({ log, machine });
    expect(await hardware.cpu()).toMatchObject({ modelName: 'Brand', cores: 6, threads: 6, platform: 'win32' });
    expect(log.lines.map(({ event }) => event)).toEqual(['hardware.cpu_probe_failed']);
    answers = true;
    expect(await hardware.cpu()).toMatchObject({
      modelName: 'Brand',
      cores: 4,
      microarchitecture: null,
      variant: null,
    });
  });

  it('does not run programs again shortly after no GPU was found', async () => {
    const machine = recordedMachine({ programs: {} });
    const hardware = new Hardware({ log: new RecordedLog(), machine });
    expect(await hardware.gpus()).toEqual([]);
    expect(await hardware.gpus()).toEqual([]);
    expect(machine.ran).toEqual(['nvidia-smi']);
  });
});
