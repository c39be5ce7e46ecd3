import { browser } from 'wxt/browser';

/** Opens the settings in a tab of their own. */
export async function openOptions(): Promise<void> {
  await browser.runtime.openOptionsPage();
  window.close();
}

/** Opens what the popup shows in a tab, where it stays open. */
export async function openModels(): Promise<void> {
  await browser.tabs.create({ url: browser.runtime.getURL('/popup.html') });
}

/** Opens the chat beside the page: Chromium's side panel, Firefox's sidebar. Must be called by a click. */
export async function openChat(): Promise<void> {
  const { sidebarAction } = browser as typeof browser & { sidebarAction?: { open(): Promise<void> } };
  if (sidebarAction !== undefined) await sidebarAction.open();
  else {
    const { id } = await browser.windows.getCurrent();
    if (id !== undefined) await browser.sidePanel.open({ windowId: id });
  }
  window.close();
}
