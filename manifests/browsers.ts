import { BROWSER_NAMES, type BrowserName, type Platform } from './browser.ts';
import { LINUX_BROWSERS } from './browsers-linux.ts';
import { MACOS_BROWSERS } from './browsers-macos.ts';
import { WINDOWS_BROWSERS } from './browsers-windows.ts';
import type { BrowserLocations, BrowserTable } from './locations.ts';

/** Where each browser looks for manifests, by platform. */
const BROWSER_TABLES: Readonly<Record<Platform, BrowserTable>> = {
  linux: LINUX_BROWSERS,
  darwin: MACOS_BROWSERS,
  win32: WINDOWS_BROWSERS,
};

/**
 * Returns where a browser looks for manifests on a platform; undefined if it does not exist there, or no source
 * documents it.
 */
export function browserLocations(platform: Platform, name: BrowserName): BrowserLocations | undefined {
  return BROWSER_TABLES[platform][name];
}

/** Returns the browsers that are supported on a platform. */
export function browsersOn(platform: Platform): readonly BrowserName[] {
  return BROWSER_NAMES.filter((name) => browserLocations(platform, name) !== undefined);
}
