import { spawnSync } from 'node:child_process';
import { readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findProgram } from '../../../host/common/find-program.ts';
import { runCommand } from '../../support/cli/run-command.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';
import { ServeProcess } from '../../support/serve/serve-process.ts';

describe('the command tabagent serve', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());
  const serve = (...typed: string[]) => runCommand(['serve', ...typed], { home: fixture.home });

  it('uses one key for all servers until it is replaced', async () => {
    const one = fixture.use(await ServeProcess.start(fixture.home));
    const two = fixture.use(await ServeProcess.start(fixture.home));
    expect(two.key).toBe(one.key);
    expect((await serve('--show-key')).stdout).toBe(`${one.key}\n`);
    const { stdout } = await serve('--new-key', '--json');
    expect(JSON.parse(stdout).key).not.toBe(one.key);
    expect((await stat(join(fixture.home, 'serve-key'))).mode & 0o777).toBe(0o600);
    expect(await one.close()).toBe(143);
  });

  it('prints the address, and the key only on request', async () => {
    const taken = fixture.use(await ServeProcess.start(fixture.home));
    const { port } = new URL(taken.url);
    const { code, stdout, stderr } = await serve('--port', port);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`Port ${port}`);
    expect(stderr).toContain('SERVE_FAILED');
    const { stdout: help } = await serve('--help');
    for (const name of ['OPENAI_BASE_URL', 'curl', '--allow-origin']) expect(help).toContain(name);
  });

  it('rejects addresses that other computers can reach, and invalid values', async () => {
    const wrong = [
      ['--host', '0.0.0.0'],
      ['--host', '::'],
      ['--host', '192.168.1.2'],
      ['--host', 'example.org'],
      ['--port', '70000'],
      ['--port', 'x'],
      ['--allow-origin', '*'],
      ['--allow-origin', 'https://a.example/path'],
      ['--keep-alive', '1.5'],
      ['--install', '--uninstall'],
    ];
    for (const typed of wrong) expect([typed, (await serve(...typed)).code]).toEqual([typed, 2]);
  });

  if (process.platform === 'linux') {
    it('is started at login by a unit that systemd accepts, until that is removed', async () => {
      const options = ['--port', '12345', '--allow-origin', 'https://a.example'];
      const { code, stdout } = await serve('--install', ...options, '--json');
      const { installed } = JSON.parse(stdout);
      expect([code, installed]).toEqual([0, join(fixture.home, '.config/systemd/user/tabagent.service')]);
      const unit = await readFile(installed, 'utf8');
      const words = [process.execPath, HOST_MAIN, 'serve', ...options].map((word) => `"${word}"`);
      expect(unit).toContain(`ExecStart=${words.join(' ')}\n`);
      expect(unit).toContain(`Environment="TABAGENT_HOME=${fixture.home}"`);
      const wanted = join(fixture.home, '.config/systemd/user/default.target.wants/tabagent.service');
      expect(await readlink(wanted)).toBe(installed);
      const systemd = findProgram('systemd-analyze');
      if (systemd !== undefined) {
        const { status, stderr } = spawnSync(systemd, ['verify', '--user', installed], {
          encoding: 'utf8',
          env: { HOME: fixture.home, PATH: process.env.PATH, XDG_RUNTIME_DIR: fixture.home },
        });
        expect([status, stderr]).toEqual([0, '']);
      }
      // Again, with other options.
      expect((await serve('--install')).code).toBe(0);
      expect(await readFile(installed, 'utf8')).not.toContain('12345');

      const { removed } = JSON.parse((await serve('--uninstall', '--json')).stdout);
      expect(removed).toEqual([wanted, installed]);
      await expect(stat(installed)).rejects.toMatchObject({ code: 'ENOENT' });
      expect((await serve('--uninstall')).stdout).toContain('does not start at login');
    });

    it('is no longer started at login when the host is uninstalled', async () => {
      await serve('--install');
      const { stderr } = await runCommand(['uninstall'], { home: fixture.home });
      expect(stderr).toContain('no longer starts at login');
      expect((await serve('--uninstall', '--json')).stdout).toContain('"removed": []');
    });
  }
});
