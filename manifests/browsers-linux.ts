import { BROWSERS, type BrowserName } from './browser.ts';
import type { BrowserPlaces, BrowserTable, ConfinedBrowser, ManifestFolder, Place } from './places.ts';

/** The folder of Firefox for one user. Browsers made from it may read it, too. */
const MOZILLA: ManifestFolder = {
  kind: 'folder',
  ...home('.mozilla/native-messaging-hosts'),
  // Since 147 Firefox keeps new profiles below ~/.config/mozilla, but goes back to ~/.mozilla, with an empty
  // profile, as soon as that folder exists (nsXREDirProvider::LegacyHomeExists). Manifests of one user are
  // still read from ~/.mozilla alone (Mozilla's bug 2005167).
  hazard: {
    missing: home('.mozilla'),
    present: config('mozilla/firefox'),
    say:
      'Not registered with Firefox: it keeps its profile in ~/.config/mozilla but reads registrations from ~/.mozilla, ' +
      'and would start with an empty profile if that folder were created. Register for all users instead: ' +
      'sudo tabagent install --system --browser firefox',
  },
};

/** The folders of Firefox for all users. */
const MOZILLA_SYSTEM: readonly ManifestFolder[] = [
  shared('usr/lib/mozilla/native-messaging-hosts'),
  // Fedora builds Firefox with a different library folder.
  { ...shared('usr/lib64/mozilla/native-messaging-hosts'), onlyWhere: root('usr/lib64/mozilla') },
];

/**
 * Linux. Sources:
 * - Chrome, Chromium: https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging and Chromium's
 *   `chrome/common/chrome_paths.cc` (a profile's own `NativeMessagingHosts`, below `$XDG_CONFIG_HOME`)
 * - Edge: https://learn.microsoft.com/en-us/microsoft-edge/extensions-chromium/developer-guide/native-messaging
 * - Brave: brave-core `app/brave_main_delegate.cc` (its default profile; system-wide Chrome's)
 * - Vivaldi: `vivaldi_browser_main_extra_parts.cc` (system-wide Chrome's)
 * - Opera: https://help.opera.com/en/extensions/message-passing/ (Chrome's)
 * - Firefox: https://developer.mozilla.org/en-US/docs/Mozilla/Add-ons/WebExtensions/Native_manifests
 * - Chrome for Testing: Chromium's `chrome/common/chrome_paths.cc`
 * - LibreWolf, Waterfox, Floorp: home-manager `modules/misc/mozilla-messaging-hosts.nix`, packages of Arch Linux. Zen and
 *   Floorp also read Firefox's folder, which their `omni.ja` names
 */
export const LINUX_BROWSERS: BrowserTable = {
  chrome: {
    signs: [config('google-chrome'), config('google-chrome-beta'), config('google-chrome-unstable')],
    commands: ['google-chrome', 'google-chrome-stable', 'google-chrome-beta', 'google-chrome-unstable'],
    user: [profile('google-chrome'), channel('google-chrome-beta'), channel('google-chrome-unstable')],
    system: [chromeSystem()],
    confined: [flatpak('chrome', 'com.google.Chrome')],
  },
  chromium: {
    signs: [config('chromium')],
    commands: ['chromium', 'chromium-browser'],
    user: [profile('chromium')],
    system: [shared('etc/chromium/native-messaging-hosts')],
    confined: [snap('chromium', 'chromium'), flatpak('chromium', 'org.chromium.Chromium')],
  },
  edge: {
    signs: [config('microsoft-edge'), config('microsoft-edge-beta'), config('microsoft-edge-dev')],
    commands: ['microsoft-edge', 'microsoft-edge-stable', 'microsoft-edge-beta', 'microsoft-edge-dev'],
    user: [
      profile('microsoft-edge'),
      channel('microsoft-edge-beta'),
      channel('microsoft-edge-dev'),
      channel('microsoft-edge-canary'),
    ],
    system: [shared('etc/opt/edge/native-messaging-hosts')],
    confined: [flatpak('edge', 'com.microsoft.Edge')],
  },
  brave: {
    signs: [
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
    confined: [snap('brave', 'brave'), flatpak('brave', 'com.brave.Browser')],
  },
  vivaldi: {
    signs: [config('vivaldi'), config('vivaldi-snapshot')],
    commands: ['vivaldi', 'vivaldi-stable', 'vivaldi-snapshot'],
    user: [profile('vivaldi'), channel('vivaldi-snapshot')],
    system: [chromeSystem()],
    confined: [flatpak('vivaldi', 'com.vivaldi.Vivaldi')],
  },
  opera: {
    signs: [config('opera'), config('opera-beta'), config('opera-developer')],
    commands: ['opera', 'opera-beta', 'opera-developer'],
    user: [profile('google-chrome')],
    system: [chromeSystem()],
    confined: [snap('opera', 'opera'), flatpak('opera', 'com.opera.Opera')],
  },
  firefox: {
    signs: [home('.mozilla/firefox'), config('mozilla/firefox')],
    commands: ['firefox', 'firefox-esr'],
    user: [MOZILLA],
    system: MOZILLA_SYSTEM,
    confined: [
      {
        sign: home('snap/firefox'),
        portal: true,
        say: 'Firefox (snap) asks once whether the extension may start the TabAgent host. Allow it.',
      },
      {
        sign: home('.var/app/org.mozilla.firefox'),
        portal: true,
        say:
          'Firefox (Flatpak) can start the TabAgent host only through the WebExtensions portal, and asks you once. If your ' +
          'system does not have this portal (most do not, except Ubuntu), install Firefox from your distribution’s packages.',
      },
    ],
  },
  'chrome-for-testing': {
    signs: [config('google-chrome-for-testing')],
    commands: [],
    user: [profile('google-chrome-for-testing')],
    system: [shared('etc/opt/chrome_for_testing/native-messaging-hosts')],
    confined: [],
  },
  'opera-gx': {
    signs: [config('opera-gx')],
    commands: ['opera-gx'],
    user: [profile('google-chrome'), channel('opera-gx')],
    system: [chromeSystem()],
    confined: [flatpak('opera-gx', 'com.opera.opera-gx')],
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

/** A browser made from Firefox. */
function fork(
  name: BrowserName,
  signs: readonly Place[],
  places: Pick<BrowserPlaces, 'commands' | 'user' | 'system'> & { readonly flatpakId: string },
): BrowserPlaces {
  const { flatpakId, ...rest } = places;
  return { signs, ...rest, confined: [flatpak(name, flatpakId)] };
}

function home(path: string): Place {
  return { base: 'home', path };
}

function config(path: string): Place {
  return { base: 'config', path };
}

function root(path: string): Place {
  return { base: 'root', path };
}

function profile(folder: string): ManifestFolder {
  return { kind: 'folder', ...config(`${folder}/NativeMessagingHosts`) };
}

function channel(folder: string): ManifestFolder {
  return { ...profile(folder), onlyWhere: config(folder) };
}

function shared(path: string): ManifestFolder {
  return { kind: 'folder', ...root(path) };
}

/** Chrome's folder for all users, which Brave, Vivaldi and Opera read, too. */
function chromeSystem(): ManifestFolder {
  return shared('etc/opt/chrome/native-messaging-hosts');
}

function snap(browser: BrowserName, name: string): ConfinedBrowser {
  return { sign: home(`snap/${name}`), portal: false, say: sandboxed(browser, 'snap') };
}

function flatpak(browser: BrowserName, id: string): ConfinedBrowser {
  return { sign: home(`.var/app/${id}`), portal: false, say: sandboxed(browser, 'Flatpak') };
}

function sandboxed(browser: BrowserName, kind: string): string {
  const { title } = BROWSERS[browser];
  return (
    `${title} (${kind}) runs in a sandbox and cannot start the TabAgent host. ` +
    `Install ${title} from its vendor’s or your distribution’s packages, or use another browser.`
  );
}
