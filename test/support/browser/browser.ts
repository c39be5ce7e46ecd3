/** A key that tests press. */
export type Key = 'ArrowDown' | 'Enter' | 'Escape' | 'Tab';

/** A page of the extension, in a real browser. */
export interface ExtensionPage {
  /** The value of an expression in the page, as JSON carries it; a promise's when it has one. */
  evaluate(expression: string): Promise<unknown>;
  /** Clicks the first element that fits a CSS selector, once there is one. */
  click(selector: string): Promise<void>;
  /** Presses a key in the page, by its name in `KeyboardEvent.key`. */
  press(key: Key): Promise<void>;
  /** Closes the page. */
  close(): Promise<void>;
  /** What is seen, as PNG. */
  screenshot(): Promise<Buffer>;
}

/** A real browser with an extension, on a profile of its own. */
export interface TestBrowser {
  /** Opens a page of the extension, such as `popup.html`, in a tab. */
  openPage(path: string): Promise<ExtensionPage>;
  /** Ends the browser and waits until it is gone. */
  close(): Promise<void>;
}

/** How a browser is started. */
export interface BrowserOptions {
  /** The program: see `find-program.ts`. */
  readonly program: string;
  /** The home folder it sees, and keeps its profile in. */
  readonly home: string;
  /** Folder of the unpacked extension. */
  readonly extension: string;
  /** Added to its environment, which its native hosts inherit. */
  readonly env?: NodeJS.ProcessEnv;
  /** The system's colours are dark ones. */
  readonly dark?: boolean;
  /** The system has its own few colours, for contrast. */
  readonly forcedColors?: boolean;
  /** Pixels of a page. */
  readonly size?: { readonly width: number; readonly height: number };
}
