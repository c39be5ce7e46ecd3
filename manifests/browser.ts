/** Browsers the host can be registered with, by the names the command line takes. */
export const BROWSER_NAMES = ['chrome', 'chromium', 'edge', 'brave', 'vivaldi', 'opera', 'firefox'] as const;

/** A browser's name on the command line. */
export type BrowserName = (typeof BROWSER_NAMES)[number];

/** The two kinds of manifest: `allowed_origins` or `allowed_extensions`. */
export type BrowserFamily = 'chromium' | 'firefox';

/** Systems with a table of their own, as `process.platform` names them. */
export type Platform = 'linux' | 'darwin' | 'win32';

/** What every system has in common about a browser. */
export interface Browser {
  /** As its maker writes it. */
  readonly title: string;
  readonly family: BrowserFamily;
}

/** The browsers, in the order they are listed to a user. */
export const BROWSERS: Readonly<Record<BrowserName, Browser>> = {
  chrome: { title: 'Google Chrome', family: 'chromium' },
  chromium: { title: 'Chromium', family: 'chromium' },
  edge: { title: 'Microsoft Edge', family: 'chromium' },
  brave: { title: 'Brave', family: 'chromium' },
  vivaldi: { title: 'Vivaldi', family: 'chromium' },
  opera: { title: 'Opera', family: 'chromium' },
  firefox: { title: 'Firefox', family: 'firefox' },
};

/** Says whether a word from outside is a browser's name. */
export function isBrowserName(word: string): word is BrowserName {
  return BROWSER_NAMES.some((name) => name === word);
}
