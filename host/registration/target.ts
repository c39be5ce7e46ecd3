import type { BrowserName } from '../../manifests/browser.ts';

/** A file that must hold exactly `contents`: a manifest, or the launcher they point to. */
export interface FileTarget {
  readonly kind: 'file';
  /** Absolute. */
  readonly path: string;
  readonly contents: string;
  /** Permission bits; without meaning on Windows. */
  readonly mode: number;
  /** Permission bits of folders that must be made for it. */
  readonly folderMode: number;
  /** Browsers that read it; none for the launcher. */
  readonly browsers: readonly BrowserName[];
}

/** A registry key whose default value must be `value`. */
export interface KeyTarget {
  readonly kind: 'key';
  /** Whole, beginning with `HKCU\` or `HKLM\`. */
  readonly key: string;
  readonly value: string;
  readonly browsers: readonly BrowserName[];
}

/** One thing that registering puts in place. */
export type Target = FileTarget | KeyTarget;

/** Bits of a manifest: a browser of any user reads it, its owner alone changes it. */
export const MANIFEST_MODE = 0o644;

/** Bits of the launcher. */
export const LAUNCHER_MODE = 0o755;

/** Bits of folders made: browsers keep their profiles private, what all users share is open to read. */
export const FOLDER_MODE = { user: 0o700, system: 0o755 } as const;

/** Where a target is, as a person would look for it. */
export function whereIs(target: { kind: 'file'; path: string } | { kind: 'key'; key: string }): string {
  return target.kind === 'file' ? target.path : target.key;
}
