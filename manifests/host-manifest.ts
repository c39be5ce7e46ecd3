import type { BrowserFamily } from './browser.ts';
import chromium from './host-manifest.chromium.json' with { type: 'json' };
import firefox from './host-manifest.firefox.json' with { type: 'json' };

/** The name an extension connects to; also the manifest's file name, without `.json`. */
export const HOST_NAME: string = chromium.name;

/** Who may start the host, in the words of each family. */
export interface AllowedExtensions {
  /** Ids of 32 letters from a to p. */
  readonly chromium: readonly string[];
  /** Add-on ids, such as `tabagent@tabagent.dev`. */
  readonly firefox: readonly string[];
}

/**
 * The text of the manifest for one family of browsers. There are two, because Firefox rejects a manifest that also
 * holds `allowed_origins`.
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

/** The origin of a Chromium extension as `allowed_origins` wants it: with a trailing slash, without wildcard. */
export function chromiumOrigin(id: string): string {
  return `chrome-extension://${id}/`;
}
