import type { BasePath, BrowserLocations, BrowserTable, ManifestKey } from './locations.ts';

/** Chrome's key, which several other browsers read. */
const CHROME_KEY = 'Google\\Chrome';

/**
 * Windows: registry keys whose default value is the manifest's path. Sources: the vendors' pages listed in
 * `browsers-linux.ts`, and Chromium's `launch_context_win.cc` (a browser that is not branded Chromium reads Chrome's
 * key). Brave and Vivaldi document no key, so both their own and Chrome's are written. Browsers based on Firefox read
 * Firefox's key. No source documents the keys of Arc, Dia, Comet and Chrome for Testing.
 */
export const WINDOWS_BROWSERS: BrowserTable = {
  chrome: browser(
    [local('Google/Chrome/User Data'), ...programs('Google/Chrome/Application/chrome.exe')],
    [CHROME_KEY],
  ),
  chromium: browser([local('Chromium/User Data'), local('Chromium/Application/chrome.exe')], ['Chromium']),
  edge: browser(
    [
      local('Microsoft/Edge/User Data'),
      local('Microsoft/Edge Beta/User Data'),
      local('Microsoft/Edge Dev/User Data'),
      local('Microsoft/Edge SxS/User Data'),
      ...programs('Microsoft/Edge/Application/msedge.exe'),
    ],
    ['Microsoft\\Edge'],
  ),
  brave: browser(
    [
      local('BraveSoftware/Brave-Browser/User Data'),
      local('BraveSoftware/Brave-Browser-Beta/User Data'),
      local('BraveSoftware/Brave-Browser-Nightly/User Data'),
      ...programs('BraveSoftware/Brave-Browser/Application/brave.exe'),
    ],
    ['BraveSoftware\\Brave-Browser', CHROME_KEY],
  ),
  vivaldi: browser(
    [
      local('Vivaldi/User Data'),
      local('Vivaldi/Application/vivaldi.exe'),
      ...programs('Vivaldi/Application/vivaldi.exe'),
    ],
    ['Vivaldi', CHROME_KEY],
  ),
  opera: browser(
    [
      { base: 'roaming', path: 'Opera Software/Opera Stable' },
      local('Programs/Opera/opera.exe'),
      ...programs('Opera/opera.exe'),
    ],
    [CHROME_KEY],
  ),
  firefox: browser(
    [{ base: 'roaming', path: 'Mozilla/Firefox' }, ...programs('Mozilla Firefox/firefox.exe')],
    ['Mozilla'],
  ),
  'opera-gx': browser(
    [{ base: 'roaming', path: 'Opera Software/Opera GX Stable' }, local('Programs/Opera GX/opera.exe')],
    [CHROME_KEY],
  ),
  librewolf: browser([{ base: 'roaming', path: 'librewolf' }, ...programs('LibreWolf/librewolf.exe')], ['Mozilla']),
  waterfox: browser([{ base: 'roaming', path: 'Waterfox' }, ...programs('Waterfox/waterfox.exe')], ['Mozilla']),
  zen: browser([{ base: 'roaming', path: 'zen' }, ...programs('Zen Browser/zen.exe')], ['Mozilla']),
  floorp: browser([{ base: 'roaming', path: 'Floorp' }, ...programs('Ablaze Floorp/floorp.exe')], ['Mozilla']),
};

function browser(markers: readonly BasePath[], vendors: readonly string[]): BrowserLocations {
  const keys = vendors.map((vendor): ManifestKey => ({ kind: 'key', key: `${vendor}\\NativeMessagingHosts` }));
  return { markers, commands: [], user: keys, system: keys, sandboxed: [] };
}

function local(path: string): BasePath {
  return { base: 'local', path };
}

/** Returns the paths of a program that is installed for all users, in its 64-bit or 32-bit version. */
function programs(path: string): readonly BasePath[] {
  return [
    { base: 'programs', path },
    { base: 'programs32', path },
  ];
}
