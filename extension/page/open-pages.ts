import { browser } from 'wxt/browser';

/** Opens the settings in a tab of their own. */
export async function openOptions(): Promise<void> {
  await browser.runtime.openOptionsPage();
  window.close();
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
