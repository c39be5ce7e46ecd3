import { describe, expect, it } from '@jest/globals';
import { planRegistration, type RegistrationRequest } from '../../../host/registration/plan.ts';
import { locationOf } from '../../../host/registration/target.ts';
import type { BrowserName, Platform } from '../../../manifests/browser.ts';
import { browsersOn } from '../../../manifests/browsers.ts';

const HOMES: Record<Platform, string> = { linux: '/home/ada', darwin: '/Users/ada', win32: 'C:\\Users\\ada' };

function request(system: Platform, more: Partial<RegistrationRequest> = {}): RegistrationRequest {
  return {
    system,
    home: HOMES[system],
    env: {},
    exists: () => false,
    allowed: { chromium: ['abcdefghijklmnopabcdefghijklmnop'], firefox: ['tabagent@tabagent.dev'] },
    hostPath: '/opt/tabagent/tabagent-host',
    systemWide: false,
    programFolder: system === 'win32' ? 'C:\\Users\\ada\\AppData\\Local\\TabAgent' : '/data/tabagent',
    ...more,
  };
}

/** Returns the paths of a browser’s manifests. */
function places(system: Platform, browser: BrowserName, more: Partial<RegistrationRequest> = {}): string[] {
  return planRegistration(request(system, { browsers: [browser], ...more })).targets.map(locationOf);
}

const file = 'com.tabagent.host.json';

describe('where browsers look', () => {
  it.each([
    ['chrome', '/home/ada/.config/google-chrome/NativeMessagingHosts'],
    ['chromium', '/home/ada/.config/chromium/NativeMessagingHosts'],
    ['edge', '/home/ada/.config/microsoft-edge/NativeMessagingHosts'],
    ['brave', '/home/ada/.config/BraveSoftware/Brave-Browser/NativeMessagingHosts'],
    ['vivaldi', '/home/ada/.config/vivaldi/NativeMessagingHosts'],
    ['opera', '/home/ada/.config/google-chrome/NativeMessagingHosts'],
    ['firefox', '/home/ada/.mozilla/native-messaging-hosts'],
  ] as const)('on Linux, %s: %s', (browser, folder) => {
    expect(places('linux', browser)).toEqual([`${folder}/${file}`]);
  });

  it.each([
    ['chrome', '/etc/opt/chrome/native-messaging-hosts'],
    ['chromium', '/etc/chromium/native-messaging-hosts'],
    ['edge', '/etc/opt/edge/native-messaging-hosts'],
    ['brave', '/etc/opt/chrome/native-messaging-hosts'],
    ['vivaldi', '/etc/opt/chrome/native-messaging-hosts'],
    ['opera', '/etc/opt/chrome/native-messaging-hosts'],
    ['firefox', '/usr/lib/mozilla/native-messaging-hosts'],
  ] as const)('on Linux for all users, %s: %s', (browser, folder) => {
    expect(places('linux', browser, { systemWide: true })).toEqual([`${folder}/${file}`]);
  });

  it.each([
    ['chrome', ['Google/Chrome']],
    ['chromium', ['Chromium']],
    ['edge', ['Microsoft Edge']],
    ['brave', ['BraveSoftware/Brave-Browser', 'Google/Chrome']],
    ['vivaldi', ['Vivaldi']],
    ['opera', ['Google/Chrome']],
    ['firefox', ['Mozilla']],
  ] as const)('on macOS, %s: %j', (browser, folders) => {
    const support = '/Users/ada/Library/Application Support';
    expect(places('darwin', browser)).toEqual(
      folders.map((folder) => `${support}/${folder}/NativeMessagingHosts/${file}`),
    );
  });

  it.each([
    ['chrome', '/Library/Google/Chrome'],
    ['chromium', '/Library/Application Support/Chromium'],
    ['edge', '/Library/Microsoft/Edge'],
    ['brave', '/Library/Google/Chrome'],
    ['vivaldi', '/Library/Google/Chrome'],
    ['opera', '/Library/Google/Chrome'],
    ['firefox', '/Library/Application Support/Mozilla'],
  ] as const)('on macOS for all users, %s: %s', (browser, folder) => {
    expect(places('darwin', browser, { systemWide: true })).toEqual([`${folder}/NativeMessagingHosts/${file}`]);
  });

  it.each([
    ['chrome', 'chromium', ['Google\\Chrome']],
    ['chromium', 'chromium', ['Chromium']],
    ['edge', 'chromium', ['Microsoft\\Edge']],
    ['brave', 'chromium', ['BraveSoftware\\Brave-Browser', 'Google\\Chrome']],
    ['vivaldi', 'chromium', ['Vivaldi', 'Google\\Chrome']],
    ['opera', 'chromium', ['Google\\Chrome']],
    ['firefox', 'firefox', ['Mozilla']],
  ] as const)('on Windows, %s: the manifest of its family, and the keys that name it', (browser, family, vendors) => {
    const manifest = `C:\\Users\\ada\\AppData\\Local\\TabAgent\\manifests\\com.tabagent.host.${family}.json`;
    for (const [systemWide, hive] of [
      [false, 'HKCU'],
      [true, 'HKLM'],
    ] as const) {
      const keys = vendors.map((vendor) => `${hive}\\Software\\${vendor}\\NativeMessagingHosts\\com.tabagent.host`);
      const { targets } = planRegistration(request('win32', { browsers: [browser], systemWide }));
      expect(targets.map(locationOf)).toEqual([manifest, ...keys]);
      for (const target of targets) if (target.kind === 'key') expect(target.value).toBe(manifest);
    }
  });

  it('follows XDG_CONFIG_HOME, unless it is relative', () => {
    const at = (XDG_CONFIG_HOME: string) => places('linux', 'chromium', { env: { XDG_CONFIG_HOME } });
    expect(at('/elsewhere')).toEqual([`/elsewhere/chromium/NativeMessagingHosts/${file}`]);
    expect(at('relative')).toEqual([`/home/ada/.config/chromium/NativeMessagingHosts/${file}`]);
  });

  it('includes the release channels and library folders that exist', () => {
    const exists = (path: string) => ['/home/ada/.config/google-chrome-beta', '/usr/lib64/mozilla'].includes(path);
    expect(places('linux', 'chrome', { exists })).toContain(
      `/home/ada/.config/google-chrome-beta/NativeMessagingHosts/${file}`,
    );
    expect(places('linux', 'firefox', { exists, systemWide: true })).toEqual([
      `/usr/lib/mozilla/native-messaging-hosts/${file}`,
      `/usr/lib64/mozilla/native-messaging-hosts/${file}`,
    ]);
  });
});

describe('a registration plan', () => {
  it.each(['linux', 'darwin', 'win32'] as const)('is empty on %s where no browser is', (system) => {
    expect(planRegistration(request(system))).toEqual({ browsers: [], targets: [], notes: [] });
  });

  it.each([
    ['linux', 'edge', '/home/ada/.config/microsoft-edge'],
    ['linux', 'firefox', '/home/ada/.mozilla/firefox'],
    ['linux', 'firefox', '/home/ada/snap/firefox'],
    ['linux', 'firefox', '/usr/local/bin/firefox'],
    ['darwin', 'opera', '/Users/ada/Library/Application Support/com.operasoftware.Opera'],
    ['darwin', 'firefox', '/Applications/Firefox.app'],
    ['win32', 'edge', 'C:\\Users\\ada\\AppData\\Local\\Microsoft\\Edge\\User Data'],
    ['win32', 'firefox', 'C:\\Program Files\\Mozilla Firefox\\firefox.exe'],
  ] as const)('on %s takes %s in when %s is there, and no other browser', (system, browser, sign) => {
    const plan = planRegistration(
      request(system, {
        env: { PATH: '/usr/local/bin:/usr/bin', ProgramFiles: 'C:\\Program Files' },
        exists: (path) => path === sign,
      }),
    );
    expect(plan.browsers).toEqual([browser]);
    expect(plan.targets.length).toBeGreaterThan(0);
  });

  it('contains a location that browsers share once', () => {
    const { targets } = planRegistration(request('win32', { browsers: browsersOn('win32') }));
    expect(new Set(targets.map(locationOf)).size).toBe(targets.length);
    expect(targets.find(({ browsers }) => browsers.length === 5)).toMatchObject({
      key: 'HKCU\\Software\\Google\\Chrome\\NativeMessagingHosts\\com.tabagent.host',
      browsers: ['chrome', 'brave', 'vivaldi', 'opera', 'opera-gx'],
    });
  });

  it('has a manifest without allowed_origins for Firefox, and one without allowed_extensions for Chromium', () => {
    const { targets } = planRegistration(request('linux', { browsers: ['chromium', 'firefox'] }));
    const manifests = targets.map((target) => (target.kind === 'file' ? JSON.parse(target.contents) : undefined));
    const common = {
      name: 'com.tabagent.host',
      description: expect.any(String),
      path: '/opt/tabagent/tabagent-host',
      type: 'stdio',
    };
    expect(manifests).toEqual([
      { ...common, allowed_origins: ['chrome-extension://abcdefghijklmnopabcdefghijklmnop/'] },
      { ...common, allowed_extensions: ['tabagent@tabagent.dev'] },
    ]);
  });

  it('keeps browsers that were registered before, whichever are named', () => {
    const plan = planRegistration(request('linux', { browsers: ['firefox'], registered: ['vivaldi'] }));
    expect(plan.browsers).toEqual(['vivaldi', 'firefox']);
  });

  it.each([
    ['chromium', 'snap/chromium'],
    ['chrome', '.var/app/com.google.Chrome'],
    ['brave', '.var/app/com.brave.Browser'],
  ] as const)('says that %s from a sandbox (%s) cannot start the host, and writes nothing for it', (browser, sign) => {
    const plan = planRegistration(request('linux', { exists: (path) => path === `/home/ada/${sign}` }));
    expect(plan.targets).toEqual([]);
    expect(plan.notes).toEqual([{ browser, text: expect.stringContaining('cannot start the TabAgent host') }]);
  });

  it('registers with a Firefox snap, and notes that it will ask', () => {
    const plan = planRegistration(request('linux', { exists: (path) => path === '/home/ada/snap/firefox' }));
    expect(plan.targets.map(locationOf)).toEqual([`/home/ada/.mozilla/native-messaging-hosts/${file}`]);
    expect(plan.notes).toEqual([{ browser: 'firefox', text: expect.stringContaining('Allow it') }]);
  });

  it('does not create ~/.mozilla if Firefox’s profile is in ~/.config, because Firefox would lose it', () => {
    const exists = (path: string) => path === '/home/ada/.config/mozilla/firefox';
    for (const browsers of [undefined, ['firefox']] as const) {
      const plan = planRegistration(request('linux', { exists, ...(browsers ? { browsers } : {}) }));
      expect(plan.targets).toEqual([]);
      expect(plan.notes).toEqual([{ browser: 'firefox', text: expect.stringContaining('--system') }]);
    }
    const both = (path: string) => exists(path) || path === '/home/ada/.mozilla';
    expect(places('linux', 'firefox', { exists: both })).toHaveLength(1);
    expect(places('linux', 'firefox', { exists, systemWide: true })).toHaveLength(1);
  });
});
