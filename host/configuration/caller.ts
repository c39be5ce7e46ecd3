import { CHROMIUM_EXTENSION_IDS, FIREFOX_ADDON_ID } from '../../manifests/extension-identity.ts';

/** The extension for which a browser started the host. */
export interface Caller {
  /** The extension's ID; undefined if the arguments do not contain one. */
  readonly extensionId: string | undefined;
}

/**
 * Parses the arguments that a browser passes. Chrome: `chrome-extension://<id>/`, and on Windows a window handle;
 * Firefox: the manifest's path and the add-on's ID. Returns undefined if no browser started this process.
 */
export function callerOf([first, second]: readonly string[]): Caller | undefined {
  if (first === undefined) return undefined;
  const origin = /^[a-z-]*extension:\/\/([^/]*)\/?$/.exec(first);
  if (origin !== null) return { extensionId: first.startsWith('chrome-extension:') ? origin[1] : undefined };
  return first.endsWith('.json') ? { extensionId: second } : undefined;
}

/** Returns whether this is TabAgent's own extension. It is always allowed, without reading the configuration. */
export function isOwnExtension({ extensionId }: Caller): boolean {
  if (extensionId === undefined) return false;
  return extensionId === FIREFOX_ADDON_ID || CHROMIUM_EXTENSION_IDS.includes(extensionId);
}
