import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startChromium } from '../support/browser/chromium.ts';
import { startFirefox } from '../support/browser/firefox.ts';
import { PROBE_PAGE, sendToHost, writeProbeExtension } from '../support/browser/probe-extension.ts';
import { describeIfInstalled } from '../support/describe-unless.ts';
import { findProgram } from '../support/find-program.ts';
import { HostFixture } from '../support/host/host-fixture.ts';
import { DEB } from './support/packaged-host.ts';

/** Installing packages requires root, and a machine on which TabAgent is not installed. */
const mayInstall = process.getuid?.() === 0 && !existsSync('/usr/bin/tabagent');

/** The command in the README. It waits if another program holds the package manager's lock. */
const apt = (what: 'install' | 'purge', name: string) => [what, '--yes', '-qq', '-o', 'DPkg::Lock::Timeout=120', name];

describeIfInstalled('the Debian package', ['dpkg-deb'], () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it('contains the host, its manifests and its documentation, all owned by root', () => {
    const list = execFileSync('dpkg-deb', ['--contents', DEB], { encoding: 'utf8' });
    for (const path of [
      'usr/lib/tabagent-host/tabagent-host',
      'usr/bin/tabagent -> ../lib/tabagent-host/tabagent-host',
      'etc/chromium/native-messaging-hosts/com.tabagent.host.json',
      'etc/opt/chrome/native-messaging-hosts/com.tabagent.host.json',
      'usr/lib/mozilla/native-messaging-hosts/com.tabagent.host.json',
      'usr/share/man/man1/tabagent.1.gz',
      'usr/share/bash-completion/completions/tabagent',
      'usr/share/doc/tabagent-host/copyright',
    ]) {
      expect(list).toContain(`./${path}\n`);
    }
    const owners = new Set(
      list
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/)[1]),
    );
    expect([...owners]).toEqual(['root/root']);
  });

  describeIfInstalled('checked with lintian', ['lintian'], () => {
    it('has only the issues that an override explains', () => {
      const args = ['--allow-root', '--tag-display-limit', '0', '--fail-on', 'error,warning', DEB];
      expect(spawnSync('lintian', args, { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' });
    });
  });

  (mayInstall ? describe : describe.skip)('installed (as root, on a machine without it)', () => {
    afterEach(() => {
      spawnSync('apt-get', apt('purge', 'tabagent-host'), { stdio: 'ignore' });
    });

    it('registers the host with the browsers of all users, and is purged completely', async () => {
      execFileSync('apt-get', apt('install', DEB), { stdio: 'pipe' });
      expect(execFileSync('tabagent', ['--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+/);
      for (const { family, program, start } of [
        { family: 'chromium', program: findProgram('chromium'), start: startChromium },
        { family: 'firefox', program: findProgram('firefox-esr'), start: startFirefox },
      ] as const) {
        if (program === undefined) continue;
        const extension = await writeProbeExtension(join(fixture.home, `probe-${family}`), family);
        const browser = await start({ program, home: join(fixture.home, family), extension });
        try {
          const page = await browser.openPage(PROBE_PAGE);
          const reply = await page.evaluate(`${sendToHost({ action: 'PING' })}.catch((error) => error.message)`);
          expect(reply).toMatchObject({ status: 'success', action: 'PING' });
        } finally {
          await browser.close();
        }
      }

      execFileSync('apt-get', apt('purge', 'tabagent-host'), { stdio: 'pipe' });
      for (const path of [
        '/usr/bin/tabagent',
        '/usr/lib/tabagent-host',
        '/etc/chromium/native-messaging-hosts/com.tabagent.host.json',
        '/etc/opt/chrome/native-messaging-hosts/com.tabagent.host.json',
        '/usr/lib/mozilla/native-messaging-hosts/com.tabagent.host.json',
        '/usr/share/doc/tabagent-host',
      ]) {
        expect(existsSync(path)).toBe(false);
      }
    });
  });
});
