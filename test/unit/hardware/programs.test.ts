import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Hardware } from '../../../host/hardware/hardware.ts';
import { thisMachine } from '../../../host/hardware/machine.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const onUnix = process.platform === 'win32' ? it.skip : it;

describe('a program that is queried', () => {
  const folder = tempFolder('programs');
  afterAll(() => folder.remove());
  const pidFile = join(folder.path, 'pid');

  /** Returns this machine with a script named nvidia-smi first in its PATH. */
  function machineWith(script: string, programTimeoutMs?: number) {
    const file = join(folder.path, 'nvidia-smi');
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    const env = { PATH: `${folder.path}:/usr/bin:/bin` };
    return thisMachine(env, programTimeoutMs === undefined ? {} : { programTimeoutMs });
  }

  const onLinux = process.platform === 'linux' ? it : it.skip;

  onUnix('is killed if it hangs, even if it ignores SIGTERM', async () => {
    const machine = machineWith(`echo $$ > ${pidFile}; trap '' TERM; exec sleep 600`, 500);
    await expect(machine.run('nvidia-smi', [])).rejects.toThrow('did not finish');
    const pid = Number(readFileSync(pidFile, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  onUnix('is killed if its output is too long', async () => {
    await expect(machineWith('exec yes').run('nvidia-smi', [])).rejects.toThrow('maxBuffer');
  });

  onUnix('is used if it fails after printing its output', async () => {
    expect(await machineWith('echo Tesla; exit 6').run('nvidia-smi', [])).toBe('Tesla\n');
  });

  onUnix('is not an error if it is missing or not executable', async () => {
    expect(await machineWith('').run('no-such-program', [])).toBeUndefined();
    const machine = machineWith('');
    chmodSync(join(folder.path, 'nvidia-smi'), 0o644);
    expect(await machine.run(join(folder.path, 'nvidia-smi'), [])).toBeUndefined();
  });

  onLinux('for GPUs is logged if it hangs, and the machine has no GPUs', async () => {
    const log = new RecordedLog();
    const gpus = await new Hardware({ log, machine: machineWith('exec sleep 600', 300) }).gpus();
    expect(gpus.filter(({ vendor }) => vendor === 'nvidia')).toEqual([]);
    expect(JSON.stringify(log)).toContain('hardware.gpu_probe_failed');
  });
});
