import type { BrowserName } from '../../manifests/browser.ts';

/** A file that must have exactly these contents: a manifest, or the launcher. */
export interface FileTarget {
  readonly kind: 'file';
  /** Absolute path. */
  readonly path: string;
  readonly contents: string;
  /** Permission bits; ignored on Windows. */
  readonly mode: number;
  /** Permission bits of the folders that are created for it. */
  readonly folderMode: number;
  /** Browsers that read it; empty for the launcher. */
  readonly browsers: readonly BrowserName[];
}

/** A registry key whose default value must be `value`. */
export interface KeyTarget {
  readonly kind: 'key';
  /** Full path, beginning with `HKCU\` or `HKLM\`. */
  readonly key: string;
  readonly value: string;
  readonly browsers: readonly BrowserName[];
}

/** A file or registry key that a registration writes. */
export type Target = FileTarget | KeyTarget;

/** Permissions of a manifest: all users can read it, only its owner can change it. */
export const MANIFEST_MODE = 0o644;

/** Permissions of the launcher. */
export const LAUNCHER_MODE = 0o755;

/** Permissions of created folders: profiles of browsers are private, folders for all users are readable. */
export const FOLDER_MODE = { user: 0o700, system: 0o755 } as const;

/** Returns the path or the registry key of a target. */
export function locationOf(target: { kind: 'file'; path: string } | { kind: 'key'; key: string }): string {
  return target.kind === 'file' ? target.path : target.key;
}
