import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostProcess } from '../support/host/host-process.ts';
import { registryValue, SETUP, VERSION, WindowsUser } from './windows.ts';

const CHROME_KEY = 'HKCU\\Software\\Google\\Chrome\\NativeMessagingHosts\\com.tabagent.host';
/** The exit codes that installer.nsi documents. */
const EXIT = { running: 3, otherFiles: 4 };

describe('setup.exe', () => {
  let user: WindowsUser;
  let folder: string;
  let program: string;
  beforeEach(async () => {
    user = await WindowsUser.open();
    folder = join(user.folder, 'Apps Ünï', 'Tab Agent');
    program = join(folder, 'tabagent-host.exe');
  });
  afterEach(async () => {
    if (existsSync(join(folder, 'uninstall.exe'))) await uninstall();
    await user.close();
  });

  // NSIS uses the rest of the line after /D= and _?= unchanged.
  const setup = () => user.run(SETUP, ['/S', `/D=${folder}`], { verbatim: true });
  const uninstall = () => user.run(join(folder, 'uninstall.exe'), ['/S', `_?=${folder}`], { verbatim: true });

  it('installs all files, registers with browsers, and removes both', async () => {
    expect(await setup()).toMatchObject({ code: 0 });
    for (const path of (await readFile(join(folder, 'FILES.txt'), 'utf8')).trim().split('\n')) {
      expect([path, existsSync(join(folder, path))]).toEqual([path, true]);
    }
    expect(await user.run(program, ['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n` });
    expect(await registryValue(CHROME_KEY)).toBeDefined();

    await writeFile(join(folder, 'precious.txt'), 'mine');
    expect(await uninstall()).toMatchObject({ code: 0 });
    expect(await registryValue(CHROME_KEY)).toBeUndefined();
    // An uninstaller that runs in the folder itself cannot remove its own file.
    expect((await readdir(folder)).filter((name) => name !== 'uninstall.exe')).toEqual(['precious.txt']);
  });

  it('changes nothing while the host is running', async () => {
    expect(await setup()).toMatchObject({ code: 0 });
    const old = await readdir(folder, { recursive: true });
    const host = new HostProcess({ home: user.dataFolder, command: [program] });
    try {
      expect(await host.request('PING')).toMatchObject({ status: 'success' });
      expect(await setup()).toMatchObject({ code: EXIT.running });
      expect(await uninstall()).toMatchObject({ code: EXIT.running });
      expect(await readdir(folder, { recursive: true })).toEqual(old);
      expect(await host.request('GET_SYSTEM_INFO')).toMatchObject({ status: 'success' });
    } finally {
      await host.close();
    }
    expect(await setup()).toMatchObject({ code: 0 });
    expect(await readdir(folder, { recursive: true })).toEqual(old);
  });

  it('rejects a folder with other files', async () => {
    await mkdir(join(folder, 'lib'), { recursive: true });
    await writeFile(join(folder, 'lib', 'precious.txt'), 'mine');
    expect(await setup()).toMatchObject({ code: EXIT.otherFiles });
    expect(await readdir(folder, { recursive: true })).toEqual(['lib', join('lib', 'precious.txt')]);
  });
});
