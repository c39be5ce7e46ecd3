import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';

/** The programs that the host and its libraries start by name. */
const NAMES = [
  'nvidia-smi',
  'lspci',
  'reg',
  'powershell',
  'cmd',
  'lms',
  'check',
  'node',
  'sh',
  'which',
  'lscpu',
].concat(['sysctl', 'vm_stat', 'egrep', 'grep', 'ioreg', 'system_profiler', 'chcp', 'where', 'uname', 'cat']);

/**
 * Runs the built host in a folder with planted programs, such as a downloads folder, and with a `PATH` that contains
 * it.
 */
(process.platform === 'win32' ? describe.skip : describe).each(['linux', 'darwin', 'win32'])(
  'planted programs on %s',
  (platform) => {
    let fixture: HostFixture;
    let folder: string;
    let marks: string;
    beforeEach(async () => {
      fixture = await HostFixture.open();
      folder = join(fixture.home, 'downloads');
      marks = join(fixture.home, 'marks');
      await mkdir(join(folder, 'bin'), { recursive: true });
      for (const name of NAMES) {
        // Commands run in the home folder.
        for (const place of [folder, join(folder, 'bin'), fixture.home]) {
          for (const file of [name, `${name}.exe`, `${name}.com`]) {
            await writeFile(join(place, file), `#!/bin/sh\necho ${file} >> '${marks}'\n`);
            await chmod(join(place, file), 0o755);
          }
        }
      }
      const commands = { allowedCommands: [['check'], ['bin/check'], ['./check.exe']] };
      await writeFile(join(fixture.home, 'config.json'), JSON.stringify(commands));
    });
    afterEach(() => fixture.close());

    const start = () =>
      fixture.host({
        command: [
          process.execPath,
          '--import',
          `data:text/javascript,Object.defineProperty(process, 'platform', { value: '${platform}' })`,
          HOST_MAIN,
        ],
        cwd: folder,
        env: { PATH: ':.:bin:/usr/bin:/bin', SystemRoot: join(fixture.home, 'Windows') },
      });

    it('are never started', async () => {
      const host = start();
      payloadOf('GET_SYSTEM_RESOURCES', await host.request('GET_SYSTEM_RESOURCES'));
      payloadOf('GET_SYSTEM_INFO', await host.request('GET_SYSTEM_INFO'));
      payloadOf('LMSTUDIO_STATUS', await host.request('LMSTUDIO_STATUS'));
      for (const command of ['check', 'bin/check']) {
        expect(await host.request('EXECUTE_COMMAND', { command })).toMatchObject({ code: 'COMMAND_FAILED' });
      }
      expect(existsSync(marks)).toBe(false);
    });

    it('are started only if the user listed their path in the home folder', async () => {
      payloadOf('EXECUTE_COMMAND', await start().request('EXECUTE_COMMAND', { command: './check.exe' }));
      expect(existsSync(marks)).toBe(true);
    });
  },
);
