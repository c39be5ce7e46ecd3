import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CHROME_ORIGIN } from '../support/host/host-process.ts';
import { AWKWARD, registryValue, WindowsUser } from './windows.ts';

const CHROME_KEY = 'HKCU\\Software\\Google\\Chrome\\NativeMessagingHosts\\com.tabagent.host';

describe('registration on Windows', () => {
  let user: WindowsUser;
  let program: string;
  beforeEach(async () => {
    user = await WindowsUser.open();
    program = await user.unpack(AWKWARD);
  });
  afterEach(() => user.close());

  it('registers with a new profile, is found by the browser, and can be removed completely', async () => {
    const before = (await readdir(user.home, { recursive: true })).sort();
    const installed = await user.run(program, ['install']);
    expect(installed).toMatchObject({ code: 0, stdout: expect.stringContaining('Google Chrome: registered in') });

    const manifest = join(user.dataFolder, 'manifests', 'com.tabagent.host.chromium.json');
    // reg.exe prints non-ASCII letters in the code page of the console.
    expect(await registryValue(CHROME_KEY)).toMatch(/\\AppData\\Local\\TabAgent\\.*\.json$/);
    const path = existsSync(manifest) ? manifest : join(user.dataFolder, (await manifests())[0] ?? '');
    const { path: registered, allowed_origins } = JSON.parse(await readFile(path, 'utf8'));
    expect(registered).toBe(program);
    expect(allowed_origins).toContain(CHROME_ORIGIN);

    const { stdout } = await user.run(program, ['doctor', '--json']);
    const chrome = JSON.parse(stdout).findings.find(({ check }: { check: string }) => check === 'Google Chrome');
    expect(chrome).toMatchObject({ status: 'ok', message: expect.stringContaining('responds') });

    expect(await user.run(program, ['uninstall', '--models'])).toMatchObject({ code: 0 });
    expect(await registryValue(CHROME_KEY)).toBeUndefined();
    expect((await readdir(user.home, { recursive: true })).sort()).toEqual(before);
  });

  async function manifests(): Promise<string[]> {
    return (await readdir(user.dataFolder, { recursive: true })).filter((name) => /com\.tabagent.*\.json$/.test(name));
  }
});
