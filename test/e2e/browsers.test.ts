import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { TestBrowser } from '../support/browser/browser.ts';
import { startChromium } from '../support/browser/chromium.ts';
import { startFirefox } from '../support/browser/firefox.ts';
import { PROBE_PAGE, sendToHost, writeProbeExtension } from '../support/browser/probe-extension.ts';
import { describeIfInstalled } from '../support/describe-unless.ts';
import { HostFixture } from '../support/host/host-fixture.ts';
import { ARCHIVE, PACKAGE_NAME } from './support/packaged-host.ts';

/** The browsers: name, programs, start function, and the folder that exists after the first start. */
const BROWSERS = [
  { name: 'chromium', programs: ['chromium', 'chromium-browser'], start: startChromium, profile: '.config/chromium' },
  { name: 'firefox', programs: ['firefox-esr', 'firefox'], start: startFirefox, profile: '.mozilla/firefox' },
] as const;

for (const { name, programs, start, profile } of BROWSERS) {
  describeIfInstalled(`the packaged host and ${name}`, programs, (browserProgram) => {
    let fixture: HostFixture;
    let home: string;
    let program: string;
    let browser: TestBrowser | undefined;
    beforeEach(async () => {
      fixture = await HostFixture.open();
      home = join(fixture.home, 'home');
      await mkdir(join(home, profile), { recursive: true });
      execFileSync('tar', ['-xJf', ARCHIVE, '-C', fixture.home]);
      program = join(fixture.home, PACKAGE_NAME, 'tabagent-host');
    });
    afterEach(async () => {
      await browser?.close();
      browser = undefined;
      await fixture.close();
    });

    const tabagent = (...args: string[]) =>
      execFileSync(program, args, { env: { PATH: process.env.PATH, HOME: home }, encoding: 'utf8' });

    async function ping(): Promise<unknown> {
      const extension = await writeProbeExtension(join(fixture.home, 'probe'), name);
      browser = await start({ program: browserProgram, home, extension });
      const page = await browser.openPage(PROBE_PAGE);
      return page.evaluate(`${sendToHost({ action: 'PING' })}.catch((error) => error.message)`);
    }

    it('connect after the host is installed', async () => {
      tabagent('install', '--browser', name);
      expect(await ping()).toMatchObject({ status: 'success', action: 'PING' });
    });

    it('do not connect after it is uninstalled, which removes everything', async () => {
      const before = await listing(home);
      tabagent('install', '--browser', name);
      tabagent('uninstall');
      expect(await listing(home)).toEqual(before);
      expect(await ping()).toMatch(/native messaging host not found|No such native application/);
    });
  });
}

/** Returns all files and folders in a folder. */
async function listing(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  return (await readdir(folder, { recursive: true })).sort();
}
