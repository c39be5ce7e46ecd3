import { browser } from 'wxt/browser';
import { defineBackground } from 'wxt/utils/define-background';
import { HOST_NAME } from '../../manifests/host-manifest.ts';
import type { NativePort } from '../host-connection.ts';
import { browserName } from '../worker/browser-name.ts';
import { serveCallers } from '../worker/callers/serve-callers.ts';
import type { Clock } from '../worker/host-link.ts';
import type { LongTask } from '../worker/long-tasks.ts';
import { addPageMenus } from '../worker/page-menus.ts';
import { PAGE_PORT } from '../worker/page-messages.ts';
import { isOwnPage } from '../worker/page-sender.ts';
import { Worker } from '../worker/worker.ts';

/** The accent of the pages, dark enough for white text. */
const BADGE_COLOR = '#4a4fd6';

/** Connects the worker to the browser's ports. */
export default defineBackground(() => {
  const clock: Clock = {
    now: () => Date.now(),
    after: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  };
  const worker = new Worker({
    connect: () => browser.runtime.connectNative(HOST_NAME),
    reasonOf,
    version: browser.runtime.getManifest().version,
    program: browserName((navigator as { userAgentData?: { brands: { brand: string }[] } }).userAgentData?.brands),
    showBadge: (text) => void browser.action.setBadgeText({ text }),
    notify: (task) => void notify(task),
    clock,
  });
  browser.runtime.onInstalled.addListener(({ reason }) => {
    if (reason === 'install') void browser.tabs.create({ url: browser.runtime.getURL('/welcome.html') });
  });
  // `notifications` exists only while the user allows notifications.
  browser.notifications?.onClicked.addListener(openModels);
  browser.permissions.onAdded.addListener(() => {
    if (!browser.notifications?.onClicked.hasListener(openModels))
      browser.notifications?.onClicked.addListener(openModels);
  });
  void browser.action.setBadgeBackgroundColor({ color: BADGE_COLOR });
  addPageMenus();
  const own = { id: browser.runtime.id, base: browser.runtime.getURL('/') };
  const acceptCaller = serveCallers(worker, clock);
  browser.runtime.onConnect.addListener((port) => {
    const isOwn = isOwnPage(port.sender, own);
    if (port.name === PAGE_PORT && isOwn) worker.accept(port);
    else if (!acceptCaller(port, isOwn)) port.disconnect();
  });
});

/** Shows a notification, if the user allows any. */
async function notify({ message, name }: LongTask): Promise<void> {
  if (!(await browser.permissions.contains({ permissions: ['notifications'] }))) return;
  await browser.notifications.create({
    type: 'basic',
    iconUrl: browser.runtime.getURL('/icon/128.png'),
    title: 'TabAgent',
    message: browser.i18n.getMessage(message, [name]),
  });
}

function openModels(): void {
  void browser.tabs.create({ url: browser.runtime.getURL('/popup.html') });
}

/** Chromium reports the reason in `runtime.lastError`, Firefox on the port. */
function reasonOf(port: NativePort): string | undefined {
  const message = (port as { error?: { message?: string } | null }).error?.message;
  return message ?? browser.runtime.lastError?.message;
}
