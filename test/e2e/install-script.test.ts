import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile, chmod, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
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

  it('installs over an earlier version, and leaves nothing of it, but what others put there', async () => {
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

  it('links the manual page and the completions where programs look for them', async () => {
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
  ])('refuses %s, and replaces it only with --force', async (path) => {
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
  ])('checks the requirements before it changes anything: %s', async (fact, message) => {
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

  it('names the C library that it requires', async () => {
    const bin = join(shop.home, 'stand-ins');
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

  it('copies only what belongs to it', async () => {
    await writeFile(join(folder, 'letter.txt'), 'mine');
    install('--browser', 'chromium');
    expect(await readdir(join(home, '.local/lib/tabagent-host'))).not.toContain('letter.txt');
    await rm(join(folder, 'letter.txt'));
    install('--uninstall');
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
    expect(install('--uninstall').stdout).toContain('not installed');
    expect(await readdir(home)).toEqual(['.config']);
  });
});
