import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile, chmod, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HostFixture } from '../support/host/host-fixture.ts';
import { ARCHIVE, PACKAGE_NAME, VERSION } from './support/packaged-host.ts';

describe('install.sh from the unpacked archive', () => {
  let unpacked: HostFixture;
  let fixture: HostFixture;
  let home: string;
  let folder: string;
  beforeAll(async () => {
    unpacked = await HostFixture.open();
    execFileSync('tar', ['-xJf', ARCHIVE, '-C', unpacked.home]);
    folder = join(unpacked.home, PACKAGE_NAME);
  });
  afterAll(() => unpacked.close());
  beforeEach(async () => {
    fixture = await HostFixture.open();
    home = join(fixture.home, 'it’s a home');
    await mkdir(join(home, '.config', 'chromium'), { recursive: true });
    await chmod(home, 0o755);
  });
  afterEach(() => fixture.close());

  const install = (...args: string[]) =>
    spawnSync(join(folder, 'install.sh'), args, { env: { PATH: process.env.PATH, HOME: home }, encoding: 'utf8' });

  it('installs and registers the host and its command, and uninstalls everything', async () => {
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
    const host = fixture.host({ command: [program] });
    expect(await host.request('PING')).toMatchObject({ status: 'success' });
    await host.close();

    expect(install('--uninstall')).toMatchObject({ status: 0 });
    const left = (await readdir(home, { recursive: true })).filter((path) => !before.includes(path)).sort();
    expect(left).toEqual(['.local', '.local/bin', '.local/lib']);
  });

  it('replaces an earlier version completely, and keeps other files', async () => {
    install('--browser', 'chromium');
    const place = join(home, '.local/lib/tabagent-host');
    await writeFile(join(place, 'lib', 'of-an-earlier-version.js'), '');
    await writeFile(join(place, 'lib', 'own.txt'), 'mine');
    await appendFile(join(place, 'FILES.txt'), 'lib/of-an-earlier-version.js\n');
    expect(install('--browser', 'chromium')).toMatchObject({ status: 0 });
    expect(await readdir(join(place, 'lib'))).not.toContain('of-an-earlier-version.js');
    expect(await readFile(join(place, 'lib', 'own.txt'), 'utf8')).toBe('mine');
    expect(await readdir(join(place, '..'))).toEqual(['tabagent-host']);
    expect(install('--uninstall')).toMatchObject({ status: 0, stdout: expect.stringContaining('kept') });
    expect(await readdir(place, { recursive: true })).toEqual(['lib', 'lib/own.txt']);
  });

  it('links the manual page and the completions where man and shells look for them', async () => {
    install('--browser', 'chromium');
    for (const link of [
      'share/man/man1/tabagent.1',
      'share/bash-completion/completions/tabagent',
      'share/zsh/site-functions/_tabagent',
      'share/fish/vendor_completions.d/tabagent.fish',
    ]) {
      expect(await realpath(join(home, '.local', link))).toContain('/lib/tabagent-host/share/');
    }
    install('--uninstall');
  });

  it.each([
    ['.local/bin/tabagent', 'a command of that name'],
    ['.local/lib/tabagent-host', 'a file where the host belongs'],
    ['.local/lib/tabagent-host/own.txt', 'a folder that is not its own'],
  ])('does not replace %s without --force', async (path) => {
    const file = join(home, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, 'mine');
    expect(install('--browser', 'chromium')).toMatchObject({ status: 1, stderr: expect.stringContaining('--force') });
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect(install('--uninstall')).toMatchObject({ status: 0 });
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect(install('--force', '--browser', 'chromium')).toMatchObject({ status: 0 });
    expect(install('--uninstall')).toMatchObject({ status: 0 });
  });

  it.each([
    ['cpu mips', 'This package is for linux-mips'],
    ['system plan9', 'This package is for plan9-'],
    ['kib 999999999999', 'Not enough disk space'],
  ])('changes nothing if a requirement is not met: %s', async (fact, message) => {
    const facts = join(folder, 'PACKAGE.txt');
    const before = await readFile(facts, 'utf8');
    await appendFile(facts, `${fact}\n`);
    try {
      expect(install('--browser', 'chromium')).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
    } finally {
      await writeFile(facts, before);
    }
    expect(await readdir(home)).toEqual(['.config']);
  });

  it('reports the C library that it requires', async () => {
    const bin = join(fixture.home, 'stand-ins');
    await mkdir(bin);
    await writeFile(join(bin, 'getconf'), '#!/bin/sh\necho glibc 2.31\n', { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home };
    const ran = spawnSync(join(folder, 'install.sh'), [], { env, encoding: 'utf8' });
    expect(ran).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('has glibc 2.31, but the TabAgent host requires 2.34'),
    });
    expect(await readdir(home)).toEqual(['.config']);
  });

  it('copies only listed files', async () => {
    await writeFile(join(folder, 'letter.txt'), 'mine');
    install('--browser', 'chromium');
    expect(await readdir(join(home, '.local/lib/tabagent-host'))).not.toContain('letter.txt');
    await rm(join(folder, 'letter.txt'));
    install('--uninstall');
  });

  it('installs in the folder that --prefix names', async () => {
    const prefix = join(fixture.home, 'opt');
    expect(install('--prefix', prefix, '--browser', 'chromium')).toMatchObject({ status: 0 });
    expect(await readdir(join(prefix, 'bin'))).toEqual(['tabagent']);
    expect(install('--uninstall', '--prefix', prefix)).toMatchObject({ status: 0 });
  });

  it('reports invalid arguments, and changes nothing', async () => {
    expect(install('--prefix', 'relative')).toMatchObject({ status: 1, stderr: expect.stringContaining('absolute') });
    expect(install('--uninstall', '--browser')).toMatchObject({ status: 1 });
    expect(install('--uninstall').stdout).toContain('not installed');
    expect(await readdir(home)).toEqual(['.config']);
  });
});
