import type { BasePath, BrowserLocations, BrowserTable, ManifestFolder } from './locations.ts';

/**
 * macOS. Sources: the vendors' pages listed in `browsers-linux.ts`; Chromium's `chrome/common/chrome_paths.cc`;
 * brave-core `app/brave_main_delegate.cc` (Chrome's folders; older versions read Brave's, so manifests go into both);
 * `vivaldi_browser_main_extra_parts.cc` (for all users, Chrome's); Opera's developers in its forum (Chrome's); for Arc,
 * Dia and Comet, the installers of other native hosts, which agree on the folders; for browsers based on Firefox,
 * home-manager `modules/misc/mozilla-messaging-hosts.nix`, and Firefox's folder, which some of them read.
 */
export const MACOS_BROWSERS: BrowserTable = {
  chrome: browser(
    'Google Chrome',
    'Google/Chrome',
    [user('Google/Chrome'), channel('Google/Chrome Beta'), channel('Google/Chrome Canary')],
    [chromeSystem()],
  ),
  chromium: browser(
    'Chromium',
    'Chromium',
    [user('Chromium')],
    [system('Library/Application Support/Chromium/NativeMessagingHosts')],
  ),
  edge: browser(
    'Microsoft Edge',
    'Microsoft Edge',
    [
      user('Microsoft Edge'),
      channel('Microsoft Edge Beta'),
      channel('Microsoft Edge Dev'),
      channel('Microsoft Edge Canary'),
    ],
    [system('Library/Microsoft/Edge/NativeMessagingHosts')],
  ),
  brave: browser(
    'Brave Browser',
    'BraveSoftware/Brave-Browser',
    [
      user('BraveSoftware/Brave-Browser'),
      user('Google/Chrome'),
      channel('BraveSoftware/Brave-Browser-Beta'),
      channel('BraveSoftware/Brave-Browser-Nightly'),
    ],
    [chromeSystem()],
  ),
  vivaldi: browser('Vivaldi', 'Vivaldi', [user('Vivaldi')], [chromeSystem()]),
  opera: browser('Opera', 'com.operasoftware.Opera', [user('Google/Chrome')], [chromeSystem()]),
  firefox: browser('Firefox', 'Firefox', [user('Mozilla')], [mozillaSystem()]),
  'chrome-for-testing': browser(
    'Google Chrome for Testing',
    'Google/Chrome for Testing',
    [user('Google/Chrome for Testing')],
    [system('Library/Google/ChromeForTesting/NativeMessagingHosts')],
  ),
  'opera-gx': browser('Opera GX', 'com.operasoftware.OperaGX', [user('Google/Chrome')], [chromeSystem()]),
  arc: browser('Arc', 'Arc', [user('Arc/User Data')], [chromeSystem()]),
  dia: browser('Dia', 'Dia', [user('Dia/User Data')], [chromeSystem()]),
  comet: browser('Comet', 'Comet', [user('Comet')], [chromeSystem()]),
  librewolf: browser('LibreWolf', 'LibreWolf', [user('LibreWolf'), user('Mozilla')], [mozillaSystem()]),
  waterfox: browser('Waterfox', 'Waterfox', [user('Waterfox'), user('Mozilla')], [mozillaSystem()]),
  zen: browser('Zen', 'zen', [user('zen'), user('Mozilla')], [mozillaSystem()]),
  floorp: browser('Floorp', 'Floorp', [user('Floorp'), user('Mozilla')], [mozillaSystem()]),
};

/** Returns the locations of a browser. It is installed if its profile or its application exists. */
function browser(
  application: string,
  profile: string,
  user: readonly ManifestFolder[],
  system: readonly ManifestFolder[],
): BrowserLocations {
  const bundle = `Applications/${application}.app`;
  return {
    markers: [support(profile), { base: 'root', path: bundle }, { base: 'home', path: bundle }],
    commands: [],
    user,
    system,
    sandboxed: [],
  };
}

function support(path: string): BasePath {
  return { base: 'home', path: `Library/Application Support/${path}` };
}

function user(folder: string): ManifestFolder {
  return { kind: 'folder', ...support(`${folder}/NativeMessagingHosts`) };
}

function channel(folder: string): ManifestFolder {
  return { ...user(folder), onlyIfExists: support(folder) };
}

function system(path: string): ManifestFolder {
  return { kind: 'folder', base: 'root', path };
}

/** Chrome's folder for all users, which Brave, Vivaldi and Opera also read. */
function chromeSystem(): ManifestFolder {
  return system('Library/Google/Chrome/NativeMessagingHosts');
}

/** Firefox's folder for all users. */
function mozillaSystem(): ManifestFolder {
  return system('Library/Application Support/Mozilla/NativeMessagingHosts');
}
