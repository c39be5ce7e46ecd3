/** The two kinds of manifest: `allowed_origins` or `allowed_extensions`. */
export type BrowserFamily = 'chromium' | 'firefox';

/** Platforms that have a table, as `process.platform` names them. */
export type Platform = 'linux' | 'darwin' | 'win32';

/** What all platforms have in common about a browser. */
export interface Browser {
  /** As its vendor writes it. */
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

/** All names, in the order of the table. */
export const BROWSER_NAMES = Object.keys(BROWSERS) as readonly BrowserName[];

/** Returns whether a word is the name of a browser. */
export function isBrowserName(word: string): word is BrowserName {
  return Object.hasOwn(BROWSERS, word);
}
