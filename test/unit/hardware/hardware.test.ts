import { describe, expect, it } from '@jest/globals';
import { Hardware } from '../../../host/hardware/hardware.ts';
import { KeptLog } from '../../support/logs.ts';
import { recordedMachine } from '../../support/snapshots/machine.ts';

describe('Hardware', () => {
  it('asks again for a CPU that could not be told', async () => {
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
    const hardware = new Hardware({
      log: new KeptLog(),
      machine: recordedMachine({ platform: 'win32', systemInformation }),
    });
    await expect(hardware.cpu()).rejects.toThrow('PowerShell is busy');
    answers = true;
    expect(await hardware.cpu()).toMatchObject({
      modelName: 'Maker CPU',
      cores: 4,
      microarchitecture: null,
      variant: null,
    });
  });

  it('does not start programs again for GPUs that were not there a moment ago', async () => {
    const machine = recordedMachine({ programs: {} });
    const hardware = new Hardware({ log: new KeptLog(), machine });
    expect(await hardware.gpus()).toEqual([]);
    expect(await hardware.gpus()).toEqual([]);
    expect(machine.ran).toEqual(['nvidia-smi']);
  });
});
