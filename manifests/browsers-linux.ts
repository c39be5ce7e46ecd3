import { BROWSERS, type BrowserName } from './browser.ts';
import type { BrowserTable, ConfinedBrowser, ManifestFolder, Place } from './places.ts';

/**
 * Linux. Sources:
 * - Chrome, Chromium: https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging and Chromium's
 *   `chrome/common/chrome_paths.cc` (a profile's own `NativeMessagingHosts`, below `$XDG_CONFIG_HOME`)
 * - Edge: https://learn.microsoft.com/en-us/microsoft-edge/extensions-chromium/developer-guide/native-messaging
 * - Brave: brave-core `app/brave_main_delegate.cc` (its default profile; system-wide Chrome's)
 * - Vivaldi: `vivaldi_browser_main_extra_parts.cc` (system-wide Chrome's)
 * - Opera: https://help.opera.com/en/extensions/message-passing/ (Chrome's)
 * - Firefox: https://developer.mozilla.org/en-US/docs/Mozilla/Add-ons/WebExtensions/Native_manifests
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
    user: [profile('microsoft-edge'), channel('microsoft-edge-beta'), channel('microsoft-edge-dev')],
    system: [shared('etc/opt/edge/native-messaging-hosts')],
    confined: [flatpak('edge', 'com.microsoft.Edge')],
  },
  brave: {
    signs: [config('BraveSoftware/Brave-Browser')],
    commands: ['brave-browser', 'brave-browser-stable', 'brave'],
    user: [profile('BraveSoftware/Brave-Browser')],
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
    user: [
      {
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
      },
    ],
    system: [
      shared('usr/lib/mozilla/native-messaging-hosts'),
      // Fedora's Firefox is built with a library folder of its own.
      { ...shared('usr/lib64/mozilla/native-messaging-hosts'), onlyWhere: root('usr/lib64/mozilla') },
    ],
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
};

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

/** Chrome's folder for all users, which Brave, Vivaldi and Opera read as well. */
function chromeSystem(): ManifestFolder {
  return shared('etc/opt/chrome/native-messaging-hosts');
}

function snap(browser: BrowserName, name: string): ConfinedBrowser {
  return { sign: home(`snap/${name}`), portal: false, say: sandboxed(browser, 'a snap') };
}

function flatpak(browser: BrowserName, id: string): ConfinedBrowser {
  return { sign: home(`.var/app/${id}`), portal: false, say: sandboxed(browser, 'Flatpak') };
}

function sandboxed(browser: BrowserName, kind: string): string {
  const { title } = BROWSERS[browser];
  return (
    `${title} from ${kind} runs in a sandbox that cannot start the TabAgent host. ` +
    `Install ${title} from its maker’s or the system’s own packages, or use another browser.`
  );
}
