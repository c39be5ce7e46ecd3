import type { BrowserName } from './browser.ts';

/**
 * The folder that a path in the tables is relative to:
 * - `home`: the user's home folder
 * - `config`: `$XDG_CONFIG_HOME` or `~/.config`
 * - `root`: the root of the file system
 * - `local`, `roaming`, `programs`, `programs32`: on Windows, `%LOCALAPPDATA%`, `%APPDATA%`, `%ProgramFiles%` and
 *   `%ProgramFiles(x86)%`
 */
export type PathBase = 'home' | 'config' | 'root' | 'local' | 'roaming' | 'programs' | 'programs32';

/** A path in the tables, with forward slashes on all platforms. */
export interface BasePath {
  readonly base: PathBase;
  readonly path: string;
}

/** A folder that a browser reads manifests from. */
export interface ManifestFolder extends BasePath {
  readonly kind: 'folder';
  /**
   * If set, the folder is used only if this path exists, for example for another release channel or another
   * distribution's layout.
   */
  readonly onlyIfExists?: BasePath;
  /**
   * When creating the folder would harm the user: `missing` does not exist and `present` does. The folder is then
   * skipped, and the message is shown.
   */
  readonly hazard?: { readonly missing: BasePath; readonly present: BasePath; readonly message: string };
}

/** A registry key in `HKCU\Software` or `HKLM\Software`. The host's name is a subkey of it. */
export interface ManifestKey {
  readonly kind: 'key';
  readonly key: string;
}

/** Where a browser looks for manifests. */
export type ManifestLocation = ManifestFolder | ManifestKey;

/** A browser installed in a sandbox. */
export interface SandboxedBrowser {
  /** A path that exists if the browser was started at least once. */
  readonly marker: BasePath;
  /** Whether a portal outside the sandbox reads the normal manifest and starts the host. */
  readonly portal: boolean;
  /** Tells the user about the limitation, and what to do. */
  readonly message: string;
}

/** The locations of a browser on one platform. */
export interface BrowserLocations {
  /** Folders and programs. The browser is installed if one of them exists. */
  readonly markers: readonly BasePath[];
  /** Programs on `PATH`. The browser is installed if one of them exists. */
  readonly commands: readonly string[];
  /** Where it looks for one user's manifests. */
  readonly user: readonly ManifestLocation[];
  /** Where it looks for manifests of all users. */
  readonly system: readonly ManifestLocation[];
  readonly sandboxed: readonly SandboxedBrowser[];
}

/** The locations of the browsers on one platform. Lacks those that do not exist there, or are not documented. */
export type BrowserTable = Readonly<Partial<Record<BrowserName, BrowserLocations>>>;
