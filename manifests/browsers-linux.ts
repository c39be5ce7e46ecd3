import { BROWSERS, type BrowserName } from './browser.ts';
import type { BasePath, BrowserLocations, BrowserTable, ManifestFolder, SandboxedBrowser } from './locations.ts';

/** Firefox's folder for one user. Browsers based on Firefox may read it, too. */
const MOZILLA: ManifestFolder = {
  kind: 'folder',
  ...home('.mozilla/native-messaging-hosts'),
  // Since version 147, Firefox creates profiles in ~/.config/mozilla, but returns to ~/.mozilla, with an empty profile,
  // if that folder exists (nsXREDirProvider::LegacyHomeExists). It still reads a user's manifests only from ~/.mozilla
  // (Mozilla bug 2005167).
  hazard: {
    missing: home('.mozilla'),
    present: config('mozilla/firefox'),
    message:
      'Not registered with Firefox: it keeps its profile in ~/.config/mozilla but reads registrations from ~/.mozilla, ' +
      'and would start with an empty profile if that folder were created. Register for all users instead: ' +
      'sudo tabagent install --system --browser firefox',
  },
};

/** Firefox's folders for all users. */
const MOZILLA_SYSTEM: readonly ManifestFolder[] = [
  shared('usr/lib/mozilla/native-messaging-hosts'),
  // Fedora's Firefox uses /usr/lib64.
  { ...shared('usr/lib64/mozilla/native-messaging-hosts'), onlyIfExists: root('usr/lib64/mozilla') },
];

/**
 * Linux. Sources:
 * - Chrome, Chromium: https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging and Chromium's
 *   `chrome/common/chrome_paths.cc` (`NativeMessagingHosts` in the profile, in `$XDG_CONFIG_HOME`)
 * - Edge: https://learn.microsoft.com/en-us/microsoft-edge/extensions-chromium/developer-guide/native-messaging
 * - Brave: brave-core `app/brave_main_delegate.cc` (in its default profile; for all users, Chrome's)
 * - Vivaldi: `vivaldi_browser_main_extra_parts.cc` (for all users, Chrome's)
 * - Opera: https://help.opera.com/en/extensions/message-passing/ (Chrome's)
 * - Firefox: https://developer.mozilla.org/en-US/docs/Mozilla/Add-ons/WebExtensions/Native_manifests
 * - Chrome for Testing: Chromium's `chrome/common/chrome_paths.cc`
 * - LibreWolf, Waterfox, Floorp: home-manager `modules/misc/mozilla-messaging-hosts.nix`, packages of Arch Linux. Zen
 *   and Floorp also read Firefox's folder, which their `omni.ja` names
 */
export const LINUX_BROWSERS: BrowserTable = {
  chrome: {
    markers: [config('google-chrome'), config('google-chrome-beta'), config('google-chrome-unstable')],
    commands: ['google-chrome', 'google-chrome-stable', 'google-chrome-beta', 'google-chrome-unstable'],
    user: [profile('google-chrome'), channel('google-chrome-beta'), channel('google-chrome-unstable')],
    system: [chromeSystem()],
    sandboxed: [flatpak('chrome', 'com.google.Chrome')],
  },
  chromium: {
    markers: [config('chromium')],
    commands: ['chromium', 'chromium-browser'],
    user: [profile('chromium')],
    system: [shared('etc/chromium/native-messaging-hosts')],
    sandboxed: [snap('chromium', 'chromium'), flatpak('chromium', 'org.chromium.Chromium')],
  },
  edge: {
    markers: [config('microsoft-edge'), config('microsoft-edge-beta'), config('microsoft-edge-dev')],
    commands: ['microsoft-edge', 'microsoft-edge-stable', 'microsoft-edge-beta', 'microsoft-edge-dev'],
    user: [
      profile('microsoft-edge'),
      channel('microsoft-edge-beta'),
      channel('microsoft-edge-dev'),
      channel('microsoft-edge-canary'),
    ],
    system: [shared('etc/opt/edge/native-messaging-hosts')],
    sandboxed: [flatpak('edge', 'com.microsoft.Edge')],
  },
  brave: {
    markers: [
      config('BraveSoftware/Brave-Browser'),
      config('BraveSoftware/Brave-Browser-Beta'),
      config('BraveSoftware/Brave-Browser-Nightly'),
    ],
    commands: ['brave-browser', 'brave-browser-stable', 'brave', 'brave-browser-beta', 'brave-browser-nightly'],
    user: [
      profile('BraveSoftware/Brave-Browser'),
      channel('BraveSoftware/Brave-Browser-Beta'),
      channel('BraveSoftware/Brave-Browser-Nightly'),
    ],
    system: [chromeSystem()],
    sandboxed: [snap('brave', 'brave'), flatpak('brave', 'com.brave.Browser')],
  },
  vivaldi: {
    markers: [config('vivaldi'), config('vivaldi-snapshot')],
    commands: ['vivaldi', 'vivaldi-stable', 'vivaldi-snapshot'],
    user: [profile('vivaldi'), channel('vivaldi-snapshot')],
    system: [chromeSystem()],
    sandboxed: [flatpak('vivaldi', 'com.vivaldi.Vivaldi')],
  },
  opera: {
    markers: [config('opera'), config('opera-beta'), config('opera-developer')],
    commands: ['opera', 'opera-beta', 'opera-developer'],
    user: [profile('google-chrome')],
    system: [chromeSystem()],
    sandboxed: [snap('opera', 'opera'), flatpak('opera', 'com.opera.Opera')],
  },
  firefox: {
    markers: [home('.mozilla/firefox'), config('mozilla/firefox')],
    commands: ['firefox', 'firefox-esr'],
    user: [MOZILLA],
    system: MOZILLA_SYSTEM,
    sandboxed: [
      {
        marker: home('snap/firefox'),
        portal: true,
        message: 'Firefox (snap) asks once whether the extension may start the TabAgent host. Allow it.',
      },
      {
        marker: home('.var/app/org.mozilla.firefox'),
        portal: true,
        message:
          'Firefox (Flatpak) can start the TabAgent host only through the WebExtensions portal, and asks you once. If your ' +
          'system does not have this portal (most do not, except Ubuntu), install Firefox from your distribution’s packages.',
      },
    ],
  },
  'chrome-for-testing': {
    markers: [config('google-chrome-for-testing')],
    commands: [],
    user: [profile('google-chrome-for-testing')],
    system: [shared('etc/opt/chrome_for_testing/native-messaging-hosts')],
    sandboxed: [],
  },
  'opera-gx': {
    markers: [config('opera-gx')],
    commands: ['opera-gx'],
    user: [profile('google-chrome'), channel('opera-gx')],
    system: [chromeSystem()],
    sandboxed: [flatpak('opera-gx', 'com.opera.opera-gx')],
  },
  librewolf: fork('librewolf', [home('.librewolf'), config('librewolf')], {
    commands: ['librewolf'],
    user: [{ kind: 'folder', ...home('.librewolf/native-messaging-hosts') }],
    system: [shared('usr/lib/librewolf/native-messaging-hosts')],
    flatpakId: 'io.gitlab.librewolf-community',
  }),
  waterfox: fork('waterfox', [home('.waterfox')], {
    commands: ['waterfox'],
    user: [{ kind: 'folder', ...home('.waterfox/native-messaging-hosts') }],
    system: MOZILLA_SYSTEM,
    flatpakId: 'net.waterfox.waterfox',
  }),
  zen: fork('zen', [home('.zen'), config('zen')], {
    commands: ['zen', 'zen-browser'],
    user: [{ kind: 'folder', ...home('.zen/native-messaging-hosts') }, MOZILLA],
    system: MOZILLA_SYSTEM,
    flatpakId: 'app.zen_browser.zen',
  }),
  floorp: fork('floorp', [home('.floorp')], {
    commands: ['floorp'],
    user: [{ kind: 'folder', ...home('.floorp/native-messaging-hosts') }, MOZILLA],
    system: MOZILLA_SYSTEM,
    flatpakId: 'one.ablaze.floorp',
  }),
};

/** Returns the locations of a browser based on Firefox. */
function fork(
  name: BrowserName,
  markers: readonly BasePath[],
  places: Pick<BrowserLocations, 'commands' | 'user' | 'system'> & { readonly flatpakId: string },
): BrowserLocations {
  const { flatpakId, ...rest } = places;
  return { markers, ...rest, sandboxed: [flatpak(name, flatpakId)] };
}

function home(path: string): BasePath {
  return { base: 'home', path };
}

function config(path: string): BasePath {
  return { base: 'config', path };
}

function root(path: string): BasePath {
  return { base: 'root', path };
}

function profile(folder: string): ManifestFolder {
  return { kind: 'folder', ...config(`${folder}/NativeMessagingHosts`) };
}

function channel(folder: string): ManifestFolder {
  return { ...profile(folder), onlyIfExists: config(folder) };
}

function shared(path: string): ManifestFolder {
  return { kind: 'folder', ...root(path) };
}

/** Chrome's folder for all users, which Brave, Vivaldi and Opera also read. */
function chromeSystem(): ManifestFolder {
  return shared('etc/opt/chrome/native-messaging-hosts');
}

function snap(browser: BrowserName, name: string): SandboxedBrowser {
  return { marker: home(`snap/${name}`), portal: false, message: sandboxMessage(browser, 'snap') };
}

function flatpak(browser: BrowserName, id: string): SandboxedBrowser {
  return { marker: home(`.var/app/${id}`), portal: false, message: sandboxMessage(browser, 'Flatpak') };
}

function sandboxMessage(browser: BrowserName, kind: string): string {
  const { title } = BROWSERS[browser];
  return (
    `${title} (${kind}) runs in a sandbox and cannot start the TabAgent host. ` +
    `Install ${title} from its vendor’s or your distribution’s packages, or use another browser.`
  );
}
