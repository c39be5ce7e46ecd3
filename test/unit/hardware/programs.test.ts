import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Hardware } from '../../../host/hardware/hardware.ts';
import { thisMachine } from '../../../host/hardware/machine.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const onUnix = process.platform === 'win32' ? it.skip : it;

describe('a program that is asked', () => {
  const folder = tempFolder('programs');
  afterAll(() => folder.remove());
  const pidFile = join(folder.path, 'pid');

  /** This machine, with a real program called nvidia-smi first on its path. */
  function machineWith(script: string, programTimeoutMs?: number) {
    const file = join(folder.path, 'nvidia-smi');
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    const env = { PATH: `${folder.path}:/usr/bin:/bin` };
    return thisMachine(env, programTimeoutMs === undefined ? {} : { programTimeoutMs });
  }

  const onLinux = process.platform === 'linux' ? it : it.skip;

  onUnix('and hangs is killed, even if it does not want to', async () => {
    const machine = machineWith(`echo $$ > ${pidFile}; trap '' TERM; exec sleep 600`, 500);
    await expect(machine.run('nvidia-smi', [])).rejects.toThrow('did not finish');
    const pid = Number(readFileSync(pidFile, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  onUnix('and floods its output is ended', async () => {
    await expect(machineWith('exec yes').run('nvidia-smi', [])).rejects.toThrow('maxBuffer');
  });

  onUnix('and fails, but has answered, is heard', async () => {
    expect(await machineWith('echo Tesla; exit 6').run('nvidia-smi', [])).toBe('Tesla\n');
  });

  onUnix('and is not there, or may not be run, is no fault', async () => {
    expect(await machineWith('').run('no-such-program', [])).toBeUndefined();
    const machine = machineWith('');
    chmodSync(join(folder.path, 'nvidia-smi'), 0o644);
    expect(await machine.run(join(folder.path, 'nvidia-smi'), [])).toBeUndefined();
  });

  onLinux('for GPUs and hangs leaves the machine without them, and a line in the log', async () => {
    const log = new RecordedLog();
    const gpus = await new Hardware({ log, machine: machineWith('exec sleep 600', 300) }).gpus();
    expect(gpus.filter(({ vendor }) => vendor === 'nvidia')).toEqual([]);
    expect(JSON.stringify(log)).toContain('hardware.gpu_probe_failed');
  });
});
