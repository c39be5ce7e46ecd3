import { browser } from 'wxt/browser';
import type { NativePort } from '../../host-connection.ts';
import { ACCESS, patternOf, withEntry } from '../../web-ai/access.ts';
import { CALLERS_PORT, SITE_PORT } from '../../web-ai/names.ts';
import { PENDING_GRANT } from '../../web-ai/pending-grant.ts';
import type { Clock } from '../host-link.ts';
import { AccessStore } from './access-store.ts';
import { Callers } from './callers.ts';
import { languagesOf } from './detected-languages.ts';
import type { CallerHost } from './models.ts';
import { type ScriptsApi, SiteScripts } from './site-scripts.ts';

/** A port as `runtime.onConnect` passes it. */
type BrowserPort = Parameters<Parameters<typeof browser.runtime.onConnect.addListener>[0]>[0];

/** Connects {@link Callers} to the browser. Returns a function that accepts the port of a caller, and no other. */
export function serveCallers(host: CallerHost, clock: Clock): (port: BrowserPort, isOwn: boolean) => boolean {
  const store = new AccessStore(browser.storage.local, clock.now);
  const scripts = new SiteScripts(browser as unknown as ScriptsApi);
  const detect = async (text: string) => languagesOf(await browser.i18n.detectLanguage(text));
  const callers = new Callers({ host, store, clock, detect });
  const sync = async () => scripts.sync(await store.load());

  browser.storage.onChanged.addListener((changes, area) => {
    if (area !== 'local' || changes[ACCESS] === undefined) return;
    store.changed(changes[ACCESS].newValue);
    callers.accessChanged();
    void sync();
  });
  // An update removes registered scripts.
  browser.runtime.onInstalled.addListener(() => void sync());
  browser.runtime.onStartup.addListener(() => void sync());
  browser.permissions.onAdded.addListener(({ origins }) => void grantPending(store, origins));
  browser.permissions.onRemoved.addListener(() => void dropUnpermitted(store));
  browser.runtime.onConnectExternal.addListener((port) => {
    const { id } = port.sender ?? {};
    // A web page has no id. Chromium lets none connect, since the manifest lists no addresses.
    if (id === undefined || id === browser.runtime.id) port.disconnect();
    else callers.acceptExtension(port as NativePort, id);
  });
  return (port, isOwn) => {
    if (port.name === CALLERS_PORT && isOwn) callers.acceptPage(port as NativePort);
    else if (port.name === SITE_PORT && port.sender?.id === browser.runtime.id) {
      callers.acceptSite(port as NativePort, port.sender);
    } else return false;
    return true;
  };
}

/**
 * Allows the site for which the popup asked the browser: the browser's question may have closed the popup. If the user
 * declined that question, the origin is still stored, so only the permission that was requested counts.
 */
async function grantPending(store: AccessStore, added: readonly string[] = []): Promise<void> {
  const { [PENDING_GRANT]: origin } = await browser.storage.session.get(PENDING_GRANT);
  if (typeof origin !== 'string' || !added.includes(patternOf(origin))) return;
  await browser.storage.session.remove(PENDING_GRANT);
  await store.update((access) => withEntry(access, { kind: 'site', id: origin, state: 'allowed', model: null }));
}

/** Removes the sites whose permission the user has revoked in the browser. */
async function dropUnpermitted(store: AccessStore): Promise<void> {
  const { callers } = await store.load();
  const dropped = new Set<string>();
  for (const { kind, id } of callers) {
    if (kind === 'site' && !(await browser.permissions.contains({ origins: [patternOf(id)] }))) dropped.add(id);
  }
  if (dropped.size === 0) return;
  await store.update((access) => ({
    ...access,
    callers: access.callers.filter(({ kind, id }) => kind !== 'site' || !dropped.has(id)),
  }));
}
