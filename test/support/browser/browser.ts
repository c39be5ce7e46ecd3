/** A key that tests can press. */
export type Key = 'ArrowDown' | 'Enter' | 'Escape' | 'Tab';

/** A page of the extension, in a real browser. */
export interface ExtensionPage {
  /** Returns the value of an expression in the page, which must be JSON. Awaits a promise. */
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
  /** Invokes the extension on the page like a click on its toolbar button, which allows it to read the page. */
  useExtension(): Promise<void>;
}

/** Another extension in the browser. */
export interface OtherExtension {
  readonly folder: string;
  /** The ID that Chromium derives from the key in its manifest. */
  readonly chromiumId: string;
  /** The ID in its manifest for Firefox. */
  readonly firefoxId: string;
}

/** A real browser with an extension and its own profile. */
export interface TestBrowser {
  /** Opens a page of the extension, such as `popup.html`, in a tab. */
  openPage(path: string): Promise<ExtensionPage>;
  /** Opens a page of the other extension in a tab. */
  openOtherPage(path: string): Promise<ExtensionPage>;
  /** Opens a web page in a tab. */
  openWebPage(url: string): Promise<WebPage>;
  /** Evaluates an expression in the extension's worker. Absent if the driver does not support it. */
  evaluateInWorker?(expression: string): Promise<unknown>;
  /** Grants the extension an optional host permission, as a user would in the browser's prompt. */
  grantHost(pattern: string): Promise<void>;
  /** Closes the browser and waits for its process to exit. */
  close(): Promise<void>;
}

/** Options for starting a browser. */
export interface BrowserOptions {
  /** Path of the program. */
  readonly program: string;
  /** The home folder of its process. */
  readonly home: string;
  /** Folder of the unpacked extension. */
  readonly extension: string;
  /** Another extension to load. */
  readonly other?: OtherExtension | undefined;
  /** Additional environment variables, which native hosts inherit. */
  readonly env?: NodeJS.ProcessEnv;
  /** Emulates a dark system theme. */
  readonly dark?: boolean;
  /** Emulates forced colours. */
  readonly forcedColors?: boolean;
  /**
   * Turns on Chromium's back/forward cache, which its driver turns off: expressions cannot be evaluated in a page that was
   * restored from it. Firefox always has one.
   */
  readonly cachesPages?: boolean;
  /** Viewport size, in CSS pixels. */
  readonly size?: { readonly width: number; readonly height: number };
}
