import { CHROMIUM_EXTENSION_ID, FIREFOX_ADDON_ID } from '../../manifests/extension-identity.ts';

/** Who a browser says it starts the host for. */
export interface Caller {
  /** The extension's id; undefined when the arguments name none. */
  readonly extensionId: string | undefined;
}

/**
 * Reads the arguments a browser passes. Chrome: `chrome-extension://<id>/`, and on Windows a window handle; Firefox: the
 * manifest's path and the add-on's id. Undefined when no browser started this process: a person or a program did.
 */
export function callerOf([first, second]: readonly string[]): Caller | undefined {
  if (first === undefined) return undefined;
  const origin = /^[a-z-]*extension:\/\/([^/]*)\/?$/.exec(first);
  if (origin !== null) return { extensionId: first.startsWith('chrome-extension:') ? origin[1] : undefined };
  return first.endsWith('.json') ? { extensionId: second } : undefined;
}

/** TabAgent's own extension, which is always allowed: asking the disk about it would cost every start. */
export function isOwnExtension({ extensionId }: Caller): boolean {
  return extensionId === CHROMIUM_EXTENSION_ID || extensionId === FIREFOX_ADDON_ID;
}
