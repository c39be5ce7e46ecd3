import type { BrowserPlaces, BrowserTable, ManifestKey, Place } from './places.ts';

/** Chrome's key, which the makers of several browsers left in place. */
const CHROME_KEY = 'Google\\Chrome';

/**
 * Windows: registry keys whose default value is the manifest's path. Sources: the makers' pages named in
 * `browsers-linux.ts`, and Chromium's `launch_context_win.cc` (a browser that is not branded Chromium reads Chrome's
 * key). Brave and Vivaldi document no key: their own and Chrome's are both written. Browsers made from Firefox read
 * Firefox's key. No source says which keys Arc, Dia, Comet and Chrome for Testing read.
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

function browser(signs: readonly Place[], vendors: readonly string[]): BrowserPlaces {
  const keys = vendors.map((vendor): ManifestKey => ({ kind: 'key', key: `${vendor}\\NativeMessagingHosts` }));
  return { signs, commands: [], user: keys, system: keys, confined: [] };
}

function local(path: string): Place {
  return { base: 'local', path };
}

/** A program installed for all users, of either width. */
function programs(path: string): readonly Place[] {
  return [
    { base: 'programs', path },
    { base: 'programs32', path },
  ];
}
