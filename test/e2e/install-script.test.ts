import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Workshop } from '../support/host/workshop.ts';
import { ARCHIVE, PACKAGE_NAME, VERSION } from './support/packaged-host.ts';

describe('install.sh, from the unpacked archive', () => {
  let unpacked: Workshop;
  let shop: Workshop;
  let home: string;
  let folder: string;
  beforeAll(async () => {
    unpacked = await Workshop.open();
    execFileSync('tar', ['-xJf', ARCHIVE, '-C', unpacked.home]);
    folder = join(unpacked.home, PACKAGE_NAME);
  });
  afterAll(() => unpacked.close());
  beforeEach(async () => {
    shop = await Workshop.open();
    home = join(shop.home, 'it’s a home');
    await mkdir(join(home, '.config', 'chromium'), { recursive: true });
    await chmod(home, 0o755);
  });
  afterEach(() => shop.close());

  const install = (...args: string[]) =>
    spawnSync(join(folder, 'install.sh'), args, { env: { PATH: process.env.PATH, HOME: home }, encoding: 'utf8' });

  it('installs the host and its command, and registers it, and takes all of it away', async () => {
    const before = await readdir(home, { recursive: true });
    const installed = install('--browser', 'chromium');
    expect(installed).toMatchObject({ status: 0 });
    expect(installed.stdout).toContain(`Installed the TabAgent host ${VERSION}`);
    const program = join(home, '.local/lib/tabagent-host/tabagent-host');
    const manifest = join(home, '.config/chromium/NativeMessagingHosts/com.tabagent.host.json');
    expect(JSON.parse(await readFile(manifest, 'utf8')).path).toBe(program);
    const command = join(home, '.local/bin/tabagent');
    expect(await realpath(command)).toBe(await realpath(program));
    expect(execFileSync(command, ['--version'], { encoding: 'utf8' })).toContain(VERSION);
    const host = shop.host({ command: [program] });
    expect(await host.request('PING')).toMatchObject({ status: 'success' });
    await host.close();

    expect(install('--uninstall')).toMatchObject({ status: 0 });
    const left = (await readdir(home, { recursive: true })).filter((path) => !before.includes(path)).sort();
    expect(left).toEqual(['.local', '.local/bin', '.local/lib']);
  });

  it('installs over an earlier version, and leaves nothing of it', async () => {
    install('--browser', 'chromium');
    const place = join(home, '.local/lib/tabagent-host');
    await writeFile(join(place, 'lib', 'of-an-earlier-version.js'), '');
    expect(install('--browser', 'chromium')).toMatchObject({ status: 0 });
    expect(await readdir(join(place, 'lib'))).not.toContain('of-an-earlier-version.js');
    expect(await readdir(join(place, '..'))).toEqual(['tabagent-host']);
  });

  it('goes where it is told', async () => {
    const prefix = join(shop.home, 'opt');
    expect(install('--prefix', prefix, '--browser', 'chromium')).toMatchObject({ status: 0 });
    expect(await readdir(join(prefix, 'bin'))).toEqual(['tabagent']);
    expect(install('--uninstall', '--prefix', prefix)).toMatchObject({ status: 0 });
  });

  it('says what is wrong, and changes nothing then', async () => {
    expect(install('--prefix', 'relative')).toMatchObject({ status: 1, stderr: expect.stringContaining('absolute') });
    expect(install('--uninstall', '--browser')).toMatchObject({ status: 1 });
    expect(install('--uninstall').stdout).toContain('There is no TabAgent host');
    expect(await readdir(home)).toEqual(['.config']);
  });
});
