/** A key that tests press. */
export type Key = 'ArrowDown' | 'Enter' | 'Escape' | 'Tab';

/** A page of the extension, in a real browser. */
export interface ExtensionPage {
  /** Returns the JSON value of an expression in the page; of a promise, its result. */
  evaluate(expression: string): Promise<unknown>;
  /** Clicks the first element that matches a CSS selector, once it exists. */
  click(selector: string): Promise<void>;
  /** Presses a key in the page, by its name in `KeyboardEvent.key`. */
  press(key: Key): Promise<void>;
  /** Closes the page. */
  close(): Promise<void>;
  /** Returns a screenshot of the visible part, as PNG. */
  screenshot(): Promise<Buffer>;
}

/** A web page in a tab of a real browser. */
export interface WebPage extends ExtensionPage {
  /** Uses the extension on the page, as a click on its toolbar button does: it may read the page afterwards. */
  useExtension(): Promise<void>;
}

/** A real browser with an extension and its own profile. */
export interface TestBrowser {
  /** Opens a page of the extension, such as `popup.html`, in a tab. */
  openPage(path: string): Promise<ExtensionPage>;
  /** Opens a web page in a tab. */
  openWebPage(url: string): Promise<WebPage>;
  /** Evaluates an expression in the extension's worker; absent where the driver cannot reach it. */
  evaluateInWorker?(expression: string): Promise<unknown>;
  /** Grants the extension an optional permission for a host, as the user does when the browser asks. */
  grantHost(pattern: string): Promise<void>;
  /** Closes the browser and waits for its process to exit. */
  close(): Promise<void>;
}

/** Options for starting a browser. */
export interface BrowserOptions {
  /** The program: see `find-program.ts`. */
  readonly program: string;
  /** Its home folder, which also holds the profile. */
  readonly home: string;
  /** Folder of the unpacked extension. */
  readonly extension: string;
  /** Added to its environment, which native hosts inherit. */
  readonly env?: NodeJS.ProcessEnv;
  /** Emulates a dark system theme. */
  readonly dark?: boolean;
  /** Emulates forced colours. */
  readonly forcedColors?: boolean;
  /** Size of a page, pixels. */
  readonly size?: { readonly width: number; readonly height: number };
}
