import { describe, expect, it } from '@jest/globals';
import { Hardware } from '../../../host/hardware/hardware.ts';
import { KeptLog } from '../../support/logs.ts';
import { recordedMachine } from '../../support/snapshots/machine.ts';

describe('Hardware', () => {
  it('detects the CPU again after a failure', async () => {
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

  it('does not start programs again shortly after no GPU was found', async () => {
    const machine = recordedMachine({ programs: {} });
    const hardware = new Hardware({ log: new KeptLog(), machine });
    expect(await hardware.gpus()).toEqual([]);
    expect(await hardware.gpus()).toEqual([]);
    expect(machine.ran).toEqual(['nvidia-smi']);
  });
});
