import type { Platform } from './browser.ts';
import { LINUX_BROWSERS } from './browsers-linux.ts';
import { MACOS_BROWSERS } from './browsers-macos.ts';
import { WINDOWS_BROWSERS } from './browsers-windows.ts';
import type { BrowserTable } from './places.ts';

/** Where each browser looks for the host, on each system. */
export const BROWSER_TABLES: Readonly<Record<Platform, BrowserTable>> = {
  linux: LINUX_BROWSERS,
  darwin: MACOS_BROWSERS,
  win32: WINDOWS_BROWSERS,
};
