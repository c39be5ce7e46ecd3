import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHROMIUM_PUBLIC_KEY, FIREFOX_ADDON_ID } from '../../../manifests/extension-identity.ts';

/** The probe's page. */
export const PROBE_PAGE = 'probe.html';

/**
 * Writes an extension with TabAgent's ID and only the permission `nativeMessaging`. Tests send messages to the host
 * from its empty page.
 */
export async function writeProbeExtension(folder: string, family: 'chromium' | 'firefox'): Promise<string> {
  const manifest = {
    manifest_version: 3,
    name: 'TabAgent probe',
    version: '1.0',
    permissions: ['nativeMessaging'],
    ...(family === 'chromium'
      ? { key: CHROMIUM_PUBLIC_KEY }
      : { browser_specific_settings: { gecko: { id: FIREFOX_ADDON_ID } } }),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(folder, PROBE_PAGE), '<!doctype html><meta charset="utf-8"><title>Probe</title>');
  return folder;
}

/** Returns an expression for the probe's page that sends a message to the host and evaluates to the first reply. */
export function sendToHost(message: Record<string, unknown>): string {
  return `(globalThis.browser ?? chrome).runtime.sendNativeMessage('com.tabagent.host', ${JSON.stringify(message)})`;
}
