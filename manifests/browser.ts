/** Browsers with the same format of manifest: Chromium's has `allowed_origins`, Firefox's `allowed_extensions`. */
export type BrowserFamily = 'chromium' | 'firefox';

/** The supported platforms, by their names in `process.platform`. */
export type Platform = 'linux' | 'darwin' | 'win32';

/** The properties of a browser that do not depend on the platform. */
export interface Browser {
  /** The product name, as its vendor writes it. */
  readonly title: string;
  readonly family: BrowserFamily;
}

/** The browsers that the host can be registered with, by their names on the command line, in display order. */
export const BROWSERS = {
  chrome: { title: 'Google Chrome', family: 'chromium' },
  chromium: { title: 'Chromium', family: 'chromium' },
  edge: { title: 'Microsoft Edge', family: 'chromium' },
  brave: { title: 'Brave', family: 'chromium' },
  vivaldi: { title: 'Vivaldi', family: 'chromium' },
  opera: { title: 'Opera', family: 'chromium' },
  firefox: { title: 'Firefox', family: 'firefox' },
  'chrome-for-testing': { title: 'Chrome for Testing', family: 'chromium' },
  'opera-gx': { title: 'Opera GX', family: 'chromium' },
  arc: { title: 'Arc', family: 'chromium' },
  dia: { title: 'Dia', family: 'chromium' },
  comet: { title: 'Comet', family: 'chromium' },
  librewolf: { title: 'LibreWolf', family: 'firefox' },
  waterfox: { title: 'Waterfox', family: 'firefox' },
  zen: { title: 'Zen', family: 'firefox' },
  floorp: { title: 'Floorp', family: 'firefox' },
} as const satisfies Readonly<Record<string, Browser>>;

/** A browser's name on the command line. */
export type BrowserName = keyof typeof BROWSERS;

/** All browser names, in display order. */
export const BROWSER_NAMES = Object.keys(BROWSERS) as readonly BrowserName[];

/** Returns whether a string is the name of a browser. */
export function isBrowserName(text: string): text is BrowserName {
  return Object.hasOwn(BROWSERS, text);
}
