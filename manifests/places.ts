import type { BrowserName } from './browser.ts';

/**
 * What a path in the tables starts from:
 * `home` the user's home; `config` `$XDG_CONFIG_HOME` or `~/.config`; `root` the file system's root;
 * `local`, `roaming`, `programs`, `programs32` Windows' `%LOCALAPPDATA%`, `%APPDATA%`, `%ProgramFiles%` and
 * `%ProgramFiles(x86)%`.
 */
export type PlaceBase = 'home' | 'config' | 'root' | 'local' | 'roaming' | 'programs' | 'programs32';

/** A path in the tables, written with forward slashes on every system. */
export interface Place {
  readonly base: PlaceBase;
  readonly path: string;
}

/** A folder a browser reads manifests from. */
export interface ManifestFolder extends Place {
  readonly kind: 'folder';
  /** The folder counts only where this exists: another release channel, or another distribution's layout. */
  readonly onlyWhere?: Place;
  /** A case in which making the folder would harm the user; then it is left and `say` is said. */
  readonly hazard?: { readonly missing: Place; readonly present: Place; readonly say: string };
}

/** A registry key below `HKCU\Software` or `HKLM\Software`; the host's name follows it. */
export interface ManifestKey {
  readonly kind: 'key';
  readonly key: string;
}

/** Where a manifest must be found. */
export type ManifestPlace = ManifestFolder | ManifestKey;

/** A browser installed in a sandbox. */
export interface ConfinedBrowser {
  /** Exists where the browser was started at least once. */
  readonly sign: Place;
  /** True when a portal outside the sandbox reads the ordinary manifest and starts the host. */
  readonly portal: boolean;
  /** What the user must know or do. */
  readonly say: string;
}

/** One browser on one system. */
export interface BrowserPlaces {
  /** Folders or programs; where one exists, the browser is there. */
  readonly signs: readonly Place[];
  /** Programs on `PATH`; where one exists, the browser is there. */
  readonly commands: readonly string[];
  /** For one user. */
  readonly user: readonly ManifestPlace[];
  /** For all users of the machine. */
  readonly system: readonly ManifestPlace[];
  readonly confined: readonly ConfinedBrowser[];
}

/** The browsers of one platform: those that exist there, as far as a source says where they look. */
export type BrowserTable = Readonly<Partial<Record<BrowserName, BrowserPlaces>>>;
