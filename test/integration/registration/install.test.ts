import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Platform } from '../../../manifests/browser.ts';
import { CHROMIUM_EXTENSION_ID, FIREFOX_ADDON_ID } from '../../../manifests/extension-identity.ts';
import { install, uninstall } from '../../support/cli/registration.ts';
import { Sandbox } from './sandbox.ts';

const CHROMIUM_MANIFEST = 'home/.config/chromium/NativeMessagingHosts/com.tabagent.host.json';
const FIREFOX_MANIFEST = 'home/.mozilla/native-messaging-hosts/com.tabagent.host.json';
const LAUNCHER = 'home/data/bin/tabagent-host';

/** Profile folders by which each system's browsers are found. */
const PROFILES: Record<Platform, string[]> = {
  linux: [
    ...['google-chrome', 'chromium', 'microsoft-edge', 'BraveSoftware/Brave-Browser', 'vivaldi', 'opera'].map(
      (folder) => `home/.config/${folder}`,
    ),
    'home/.mozilla/firefox',
  ],
  darwin: [
    'Google/Chrome',
    'Chromium',
    'Microsoft Edge',
    'BraveSoftware/Brave-Browser',
    'Vivaldi',
    'com.operasoftware.Opera',
    'Firefox',
  ].map((folder) => `home/Library/Application Support/${folder}`),
  win32: [
    ...['Google/Chrome', 'Chromium', 'Microsoft/Edge', 'BraveSoftware/Brave-Browser', 'Vivaldi'].map(
      (folder) => `home/AppData/Local/${folder}/User Data`,
    ),
    'home/AppData/Roaming/Opera Software/Opera Stable',
    'home/AppData/Roaming/Mozilla/Firefox',
  ],
};

describe.each(['linux', 'darwin', 'win32'] as const)('installing for every browser of %s', (system) => {
  let box: Sandbox;
  beforeEach(async () => {
    box = await Sandbox.open(system);
    for (const profile of PROFILES[system]) await mkdir(box.at(profile), { recursive: true });
  });
  afterEach(() => box.close());

  it.each([[[]], [['--system']]])(
    'writes manifests that point to the launcher, and removes everything again with %j',
    async (scope) => {
      const before = await box.tree();
      expect(await install([...scope, '--json'], box.io())).toBe(0);
      const { hostPath, registered } = JSON.parse(box.out);
      expect(registered.flatMap((one: { browsers: string[] }) => one.browsers)).toEqual(
        expect.arrayContaining(['chrome', 'chromium', 'edge', 'brave', 'vivaldi', 'opera', 'firefox']),
      );
      const tree = await box.tree();
      const manifests = tree.filter((path) => /com\.tabagent\.host[.a-z]*\.json$/.test(path));
      expect(manifests.length).toBeGreaterThan(1);
      for (const path of manifests) {
        const manifest = JSON.parse(await box.read(path));
        const allowed = manifest.allowed_origins ?? manifest.allowed_extensions;
        expect(manifest.path).toBe(hostPath);
        expect([`chrome-extension://${CHROMIUM_EXTENSION_ID}/`, FIREFOX_ADDON_ID]).toContain(allowed[0]);
        expect((await stat(box.at(path))).mode & 0o777).toBe(0o644);
      }
      expect((await stat(hostPath)).mode & 0o777).toBe(0o755);
      for (const value of box.reg.values.values()) expect(manifests.map((path) => box.at(path))).toContain(value);
      expect(box.reg.values.size > 0).toBe(system === 'win32');

      expect(await uninstall([...scope], box.io())).toBe(0);
      expect(await box.tree()).toEqual(before);
      expect(box.reg.values.size).toBe(0);
    },
  );

  it('changes nothing the second time, and reports it', async () => {
    await install([], box.io());
    const before = await box.tree();
    const calls = box.reg.calls.length;
    expect(await install(['--json'], box.io())).toBe(0);
    const { registered } = JSON.parse(box.out);
    expect(new Set(registered.map((one: { status: string }) => one.status))).toEqual(new Set(['unchanged']));
    expect(await box.tree()).toEqual(before);
    expect(box.reg.calls.slice(calls).filter(([verb]) => verb !== 'query')).toEqual([]);
  });
});

describe('tabagent install', () => {
  let box: Sandbox;
  beforeEach(async () => {
    box = await Sandbox.open();
    await mkdir(box.at('home/.config/chromium'), { recursive: true });
  });
  afterEach(() => box.close());

  it('reports for each browser what was written where', async () => {
    expect(await install([], box.io())).toBe(0);
    expect(box.out).toContain(`Chromium: registered in ${box.at(CHROMIUM_MANIFEST)}\n`);
    expect(box.out).toContain(`Browsers will start ${box.at(LAUNCHER)}\n`);
    expect(box.err).toBe('');
    expect(await uninstall([], box.io())).toBe(0);
    expect(box.out).toContain(`Chromium: removed ${box.at(CHROMIUM_MANIFEST)}\n`);
  });

  it('registers only with the named browser, even if it is not installed', async () => {
    expect(await install(['--browser', 'Firefox'], box.io())).toBe(0);
    const tree = await box.tree();
    expect(tree).toContain(FIREFOX_MANIFEST);
    expect(tree).not.toContain(CHROMIUM_MANIFEST);
    expect((await stat(box.at('home/.mozilla'))).mode & 0o777).toBe(0o700);
  });

  it('allows additional extensions, each in the manifest of its browser family', async () => {
    const id = 'ponmlkjihgfedcbaponmlkjihgfedcba';
    expect(
      await install(
        ['--browser=firefox', '--browser=chromium', `--extension-id=${id}`, '--extension-id=me@here'],
        box.io(),
      ),
    ).toBe(0);
    expect(JSON.parse(await box.read(CHROMIUM_MANIFEST)).allowed_origins).toEqual([
      `chrome-extension://${CHROMIUM_EXTENSION_ID}/`,
      `chrome-extension://${id}/`,
    ]);
    expect(JSON.parse(await box.read(FIREFOX_MANIFEST)).allowed_extensions).toEqual([FIREFOX_ADDON_ID, 'me@here']);
  });

  it('updates every manifest if the program was moved, whichever browser is named', async () => {
    await install(['--browser=firefox', '--browser=chromium'], box.io());
    const packaged = await box.put('opt/new place/tabagent-host', '');
    expect(await install(['--browser=firefox', '--json'], box.io({ execPath: packaged, mainPath: undefined }))).toBe(0);
    expect(JSON.parse(await box.read(CHROMIUM_MANIFEST)).path).toBe(packaged);
    expect(JSON.parse(await box.read(FIREFOX_MANIFEST)).path).toBe(packaged);
    const { registered } = JSON.parse(box.out);
    expect(registered.map((one: { status: string }) => one.status)).toEqual(['unchanged', 'updated', 'updated']);
    expect(await uninstall([], box.io())).toBe(0);
    expect(await box.tree()).toEqual(['home', 'home/.config', 'home/.config/chromium']);
  });

  it('restores permissions that were changed, with any umask', async () => {
    const umask = process.umask(0o077);
    try {
      await install([], box.io());
      expect((await stat(box.at(CHROMIUM_MANIFEST))).mode & 0o777).toBe(0o644);
      await chmod(box.at(CHROMIUM_MANIFEST), 0o600);
      expect(await install([], box.io())).toBe(0);
      expect((await stat(box.at(CHROMIUM_MANIFEST))).mode & 0o777).toBe(0o644);
      expect(box.out).toContain('Chromium: updated');
      await install(['--system', '--browser=chromium'], box.io());
      expect((await stat(box.at('etc/chromium/native-messaging-hosts'))).mode & 0o777).toBe(0o755);
      expect((await stat(box.at('usr/local/lib/tabagent/bin'))).mode & 0o777).toBe(0o755);
    } finally {
      process.umask(umask);
    }
  });

  it('replaces the registration of another program, and a link without following it', async () => {
    const elsewhere = await box.put('home/theirs.json', '{"path":"/theirs"}');
    await mkdir(box.at('home/.config/chromium/NativeMessagingHosts'));
    await symlink(elsewhere, box.at(CHROMIUM_MANIFEST));
    expect(await install([], box.io())).toBe(0);
    expect(box.out).toContain('replacing another registration');
    expect((await lstat(box.at(CHROMIUM_MANIFEST))).isFile()).toBe(true);
    expect(await box.read('home/theirs.json')).toBe('{"path":"/theirs"}');
  });

  it('registers with the other browsers if one fails', async () => {
    await box.put('home/.config/vivaldi', 'a file where the profile should be');
    expect(await install([], box.io())).toBe(1);
    expect(box.out).toContain('Chromium: registered in');
    expect(box.err).toContain('Vivaldi: could not be registered in');
    expect(await uninstall([], box.io())).toBe(0);
    expect(await box.tree()).toEqual(['home', 'home/.config', 'home/.config/chromium', 'home/.config/vivaldi']);
  });

  it('reports what to do if there is no browser', async () => {
    const empty = await Sandbox.open();
    expect(await install([], empty.io())).toBe(1);
    expect(empty.err).toContain('tabagent install --browser firefox');
    expect(await empty.tree()).toEqual(['home']);
    await empty.close();
  });

  it.each([
    [['--browser', 'netscape'], 'netscape'],
    [['--extension-id', '*'], '"*"'],
    [['--frobnicate'], '--frobnicate'],
    [['firefox'], 'firefox'],
  ])('prints its usage for %j, exits with code 2, and writes nothing', async (args, said) => {
    expect(await install(args, box.io())).toBe(2);
    expect(box.err).toContain(said);
    expect(box.err).toContain('Usage: tabagent install');
    expect(await box.tree()).toEqual(['home', 'home/.config', 'home/.config/chromium']);
  });

  it.each([
    ['the program’s folder', 'opt/host', 0o757],
    ['the program’s folder, sticky or not', 'opt/host', 0o1777],
    ['the program', 'opt/host/main.js', 0o666],
    ['a folder above it', 'opt', 0o777],
    ['the folder of the launcher', 'home/data', 0o777],
  ])('does not register a program if all users can write to %s', async (_what, path, mode) => {
    await mkdir(box.at('home/data'));
    await chmod(box.at(path), mode);
    const before = await box.tree();
    expect(await install(['--json'], box.io())).toBe(1);
    expect(JSON.parse(box.out).error).toMatchObject({
      code: 'UNSAFE_FOLDER',
      message: expect.stringContaining(box.at(path)),
    });
    expect(await box.tree()).toEqual(before);
  });

  // Only root can change the owner of a file.
  (process.getuid?.() === 0 ? it : it.skip)(
    'refuses to have all users start what belongs to one of them; that one may start it',
    async () => {
      await chown(box.at('opt/host'), 54_321, 54_321);
      expect(await install(['--system', '--json'], box.io())).toBe(1);
      expect(JSON.parse(box.out).error).toMatchObject({ code: 'UNSAFE_FOLDER' });
      expect(await install([], box.io())).toBe(0);
    },
  );

  it('allows a sticky parent folder, such as /tmp', async () => {
    await chmod(box.at('opt'), 0o1777);
    expect(await install([], box.io({ execPath: await box.put('opt/bin/node', '') }))).toBe(0);
  });

  it('reports the missing program', async () => {
    expect(await install([], box.io({ mainPath: box.at('opt/nowhere.js') }))).toBe(1);
    expect(box.err).toContain(box.at('opt/nowhere.js'));
  });
});

describe('tabagent uninstall', () => {
  let box: Sandbox;
  beforeEach(async () => {
    box = await Sandbox.open();
    await mkdir(box.at('home/.config/chromium'), { recursive: true });
  });
  afterEach(() => box.close());

  it('keeps a manifest that was changed later, and reports it', async () => {
    await install([], box.io());
    await writeFile(box.at(CHROMIUM_MANIFEST), '{"path":"/theirs"}');
    expect(await uninstall([], box.io())).toBe(0);
    expect(box.err).toContain(`kept ${box.at(CHROMIUM_MANIFEST)}`);
    expect(await box.read(CHROMIUM_MANIFEST)).toBe('{"path":"/theirs"}');
    expect(await box.tree()).not.toContain(LAUNCHER);
  });

  it('keeps everything else in the folders that it created', async () => {
    await install(['--browser=firefox'], box.io());
    await box.put('home/.mozilla/native-messaging-hosts/org.other.json', '{}');
    await box.put('home/data/models/owner/model.gguf', 'GGUF');
    expect(await uninstall([], box.io())).toBe(0);
    expect((await box.tree()).filter((path) => /\.(json|gguf)$/.test(path))).toEqual([
      'home/.mozilla/native-messaging-hosts/org.other.json',
      'home/data/models/owner/model.gguf',
    ]);
  });

  it('keeps a registry key that was changed later, and removes the others', async () => {
    const windows = await Sandbox.open('win32');
    await install(['--browser=edge', '--browser=firefox'], windows.io());
    const edge = 'HKCU\\Software\\Microsoft\\Edge\\NativeMessagingHosts\\com.tabagent.host';
    windows.reg.values.set(edge, 'C:\\theirs.json');
    expect(await uninstall(['--json'], windows.io())).toBe(0);
    expect([...windows.reg.values]).toEqual([[edge, 'C:\\theirs.json']]);
    expect(JSON.parse(windows.out).removed).toContainEqual({ status: 'kept', where: edge, browsers: ['edge'] });
    await windows.close();
  });

  it('records what it could not remove, and removes it the next time', async () => {
    const windows = await Sandbox.open('win32');
    await install(['--browser=edge'], windows.io());
    const [edge = ''] = windows.reg.values.keys();
    windows.reg.refused.add(edge);
    expect(await uninstall([], windows.io())).toBe(1);
    expect(windows.err).toContain('Access is denied.');
    windows.reg.refused.clear();
    expect(await uninstall([], windows.io())).toBe(0);
    expect(windows.reg.values.size).toBe(0);
    expect(await windows.tree()).toEqual(['home']);
    await windows.close();
  });

  it('removes what an interrupted installation wrote', async () => {
    const windows = await Sandbox.open('win32');
    const killed = fork(join(import.meta.dirname, 'killed-install.ts'), [windows.root]);
    expect(await once(killed, 'exit')).toEqual([null, 'SIGKILL']);
    expect((await windows.tree()).filter((path) => /manifests.|bin./.test(path))).toHaveLength(2);
    expect(await uninstall([], windows.io())).toBe(0);
    expect(await windows.tree()).toEqual(['home']);
    await windows.close();
  });

  it('succeeds if nothing is registered', async () => {
    expect(await uninstall([], box.io())).toBe(0);
    expect(box.out).toContain('not registered with any browser');
  });

  it('mentions a registration for all users that remains', async () => {
    await install(['--system'], box.io());
    expect(await uninstall([], box.io())).toBe(0);
    expect(box.err).toContain('sudo tabagent uninstall --system');
    expect(await box.tree()).toContain('etc/chromium/native-messaging-hosts/com.tabagent.host.json');
  });

  it.each(['not JSON', '{"version":2}', '{"version":1,"entries":[{"kind":"file"}],"folders":[]}'])(
    'refuses a record it does not understand: %s',
    async (text) => {
      await box.put('home/data/registration.json', text);
      expect(await uninstall([], box.io())).toBe(1);
      expect(box.err).toContain(box.at('home/data/registration.json'));
      expect(await install([], box.io())).toBe(1);
      expect(await box.tree()).not.toContain(CHROMIUM_MANIFEST);
    },
  );
});
