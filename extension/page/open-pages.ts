import { browser } from 'wxt/browser';

/** A section of the settings page. */
export type SettingsSection = 'hub' | 'storage' | 'engines' | 'prompts' | 'diagnostics';

/** Opens the settings in a tab, at a section. */
export async function openOptions(section?: SettingsSection): Promise<void> {
  if (section === undefined) await browser.runtime.openOptionsPage();
  else await browser.tabs.create({ url: browser.runtime.getURL(`/options.html#${section}`) });
  closePopup();
}

/** Opens the list of models in a tab, with the dialog of a model open. */
export async function openModels(modelId?: string): Promise<void> {
  const hash = modelId === undefined ? '' : `#${encodeURIComponent(modelId)}`;
  await browser.tabs.create({ url: browser.runtime.getURL(`/popup.html${hash}`) });
}

/** Opens the chat next to the page: Chromium's side panel, Firefox's sidebar. Must be called from a click. */
export async function openChat(): Promise<void> {
  const { sidebarAction } = browser as typeof browser & { sidebarAction?: { open(): Promise<void> } };
  if (sidebarAction !== undefined) await sidebarAction.open();
  else {
    const { id } = await browser.windows.getCurrent();
    if (id !== undefined) await browser.sidePanel.open({ windowId: id });
  }
  closePopup();
}

/** Closes the popup; a page in a tab or in the side panel stays. */
function closePopup(): void {
  if (browser.extension.getViews({ type: 'popup' }).includes(window)) window.close();
}
