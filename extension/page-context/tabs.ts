import { browser } from 'wxt/browser';
import { type PageContent, parsePageContent } from './page-content.ts';

/** The script that runs in the page; built from `entrypoints/read-page.ts`. */
const SCRIPT = '/read-page.js';

/** A tab whose page can be read: one on which the user has used the extension since its page was opened. */
export interface ReadableTab {
  readonly id: number;
  readonly title: string;
}

/**
 * Reads the page of a tab. Returns undefined if it cannot be read: the browser allows it for pages on which the user has
 * used the extension, but never for its own pages, PDFs and extension stores.
 */
export async function readTab(tabId: number): Promise<PageContent | undefined> {
  try {
    const [frame] = await browser.scripting.executeScript({ target: { tabId }, files: [SCRIPT] });
    return parsePageContent(frame?.result);
  } catch {
    return undefined;
  }
}

/** Returns the tab beside the panel or, if the panel is itself in a tab, the tab that was used before it. */
export async function currentTab(): Promise<number | undefined> {
  const own = await browser.tabs.getCurrent();
  const tabs = await browser.tabs.query({ currentWindow: true });
  if (own === undefined) return tabs.find(({ active }) => active)?.id;
  const others = tabs.filter(({ id }) => id !== own.id);
  return others.sort((one, other) => (other.lastAccessed ?? 0) - (one.lastAccessed ?? 0))[0]?.id;
}

/** Returns the tabs of this window that can be read. The browser does not reveal the addresses of others. */
export async function readableTabs(): Promise<ReadableTab[]> {
  const tabs = await browser.tabs.query({ currentWindow: true });
  return tabs.flatMap(({ id, title, url }) => {
    const isPage = url !== undefined && /^(?:https?|file):/.test(url);
    return isPage && id !== undefined ? [{ id, title: title ?? url }] : [];
  });
}
