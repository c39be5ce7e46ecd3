import { BROWSER_NAMES, type BrowserName, type Platform } from './browser.ts';
import { LINUX_BROWSERS } from './browsers-linux.ts';
import { MACOS_BROWSERS } from './browsers-macos.ts';
import { WINDOWS_BROWSERS } from './browsers-windows.ts';
import type { BrowserPlaces, BrowserTable } from './places.ts';

/** Where each browser looks for the host, on each platform. */
const BROWSER_TABLES: Readonly<Record<Platform, BrowserTable>> = {
  linux: LINUX_BROWSERS,
  darwin: MACOS_BROWSERS,
  win32: WINDOWS_BROWSERS,
};

/** Returns where a browser looks on a platform; undefined if it does not exist there, or no source says where. */
export function placesOfBrowser(platform: Platform, name: BrowserName): BrowserPlaces | undefined {
  return BROWSER_TABLES[platform][name];
}

/** Returns the browsers that are known on a platform. */
export function browsersOn(platform: Platform): readonly BrowserName[] {
  return BROWSER_NAMES.filter((name) => placesOfBrowser(platform, name) !== undefined);
}
