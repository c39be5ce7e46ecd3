import type { BrowserFamily } from './browser.ts';
import chromium from './host-manifest.chromium.json' with { type: 'json' };
import firefox from './host-manifest.firefox.json' with { type: 'json' };

/** The host's name: extensions connect to it, and the manifest's file name is this name with `.json`. */
export const HOST_NAME: string = chromium.name;

/** The extensions that may start the host. */
export interface AllowedExtensions {
  /** IDs of 32 letters from a to p. */
  readonly chromium: readonly string[];
  /** Add-on IDs, such as `tabagent@tabagent.dev`. */
  readonly firefox: readonly string[];
}

/**
 * Returns the text of the manifest for a browser family. The families need different manifests: Firefox rejects one
 * with `allowed_origins`.
 *
 * @param hostPath Absolute path of the program to start; on Windows an `.exe` or `.bat`.
 */
export function hostManifest(family: BrowserFamily, hostPath: string, allowed: AllowedExtensions): string {
  const manifest =
    family === 'firefox'
      ? { ...firefox, path: hostPath, allowed_extensions: allowed.firefox }
      : { ...chromium, path: hostPath, allowed_origins: allowed.chromium.map(chromiumOrigin) };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * Returns the origin of a Chromium extension as `allowed_origins` requires it: with a trailing slash, without
 * wildcards.
 */
export function chromiumOrigin(id: string): string {
  return `chrome-extension://${id}/`;
}
