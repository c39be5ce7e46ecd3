import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { describeOnPosix } from '../../support/describe-on-posix.ts';

// On Windows, the commands would change the registry of the user who runs the tests.
describeOnPosix('registrations at the same time', () => {
  const BROWSERS = ['chrome', 'chromium', 'brave', 'vivaldi', 'firefox'];

  let home: string;
  let data: string;
  beforeEach(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), 'tabagent-concurrent-')));
    data = join(home, 'data');
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const env = () => ({
    TABAGENT_HOME: data,
    XDG_CONFIG_HOME: join(home, '.config'),
    USERPROFILE: home,
    LOCALAPPDATA: join(home, 'AppData', 'Local'),
    APPDATA: join(home, 'AppData', 'Roaming'),
  });
  const tabagent = (...args: string[]) => runCommand(args, { home, env: env() });

  it('records everything when several installations run at once, so that one uninstallation removes it all', async () => {
    const installed = await Promise.all(BROWSERS.map((browser) => tabagent('install', '--browser', browser)));
    expect(installed.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      BROWSERS.map(() => ({ code: 0, stderr: '' })),
    );
    const { entries } = JSON.parse(await readFile(join(data, 'registration.json'), 'utf8'));
    const recorded = entries.flatMap(({ browsers }: { browsers: string[] }) => browsers);
    expect([...new Set(recorded)].sort()).toEqual(expect.arrayContaining([...BROWSERS].sort()));

    expect(await tabagent('uninstall')).toMatchObject({ code: 0 });
    expect(await readdir(home)).toEqual([]);
  });

  it('leaves a complete registration or none when installations and uninstallations run at once', async () => {
    const commands = BROWSERS.flatMap((browser) => [['install', '--browser', browser], ['uninstall']]);
    for (const { code, stderr } of await Promise.all(commands.map((command) => tabagent(...command)))) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    const record = join(data, 'registration.json');
    const { entries } = existsSync(record) ? JSON.parse(await readFile(record, 'utf8')) : { entries: [] };
    for (const { path } of entries) expect([path, existsSync(path)]).toEqual([path, true]);
    expect(await tabagent('uninstall')).toMatchObject({ code: 0 });
    // The folder itself may remain, if an installation found it while the one that had created it was removed.
    expect((await readdir(home, { recursive: true })).filter((path) => path !== 'data')).toEqual([]);
  });
});
