import { browser } from 'wxt/browser';
import { t } from '../page/i18n.ts';
import { languageName } from '../page/language-name.ts';
import { PANEL_REQUEST, type PanelRequest } from '../page-context/panel-request.ts';
import { parsePrompts, SAVED_PROMPTS } from '../page-context/prompts.ts';
import { readTab } from '../page-context/tabs.ts';

/** Entries of the context menu for selected text, with the questions that they ask. */
const SELECTION_ENTRIES = [
  { id: 'explain', title: () => t('menuExplain'), question: () => t('promptExplain') },
  { id: 'summarize', title: () => t('menuSummarize'), question: () => t('promptSummarize') },
  { id: 'translate', title: () => t('menuTranslate'), question: () => t('promptTranslate', languageName()) },
  { id: 'rewrite', title: () => t('menuRewrite'), question: () => t('promptRewrite') },
] as const;

/** The keyboard command, as in the manifest. */
const ASK_COMMAND = 'ask-about-page';

const SAVED_PREFIX = 'saved:';

/**
 * Adds the ways to ask from a page: the entries of the context menu, the keyboard command, and the keyword in the address
 * bar. The menu and the command let the extension read that page until the user leaves it (`activeTab`).
 */
export function addPageMenus(): void {
  browser.runtime.onInstalled.addListener(() => void createMenus());
  browser.storage.onChanged.addListener((changes, area) => {
    if (area === 'local' && changes[SAVED_PROMPTS] !== undefined) void createMenus();
  });
  browser.contextMenus.onClicked.addListener(({ menuItemId }, tab) => {
    if (tab?.id === undefined) return;
    // The browser opens the panel only during the handler, before anything is awaited.
    const opened = openPanel(tab.windowId);
    void requestOf(String(menuItemId)).then((request) => sendToPanel(opened, tab.windowId, tab.id, request));
  });
  browser.commands.onCommand.addListener((command, tab) => {
    if (command !== ASK_COMMAND || tab?.id === undefined) return;
    void sendToPanel(openPanel(tab.windowId), tab.windowId, tab.id, { kind: 'page' });
  });
  browser.omnibox.setDefaultSuggestion({ description: t('addressBarHint') });
  browser.omnibox.onInputEntered.addListener((text) => {
    void browser.windows.getLastFocused().then(({ id }) => {
      if (id !== undefined) void sendToPanel(openPanel(id), id, undefined, { kind: 'page', question: text.trim() });
    });
  });
}

async function createMenus(): Promise<void> {
  await browser.contextMenus.removeAll();
  const add = (id: string, title: string, contexts: ['page'] | ['selection']) =>
    browser.contextMenus.create({ id, title, contexts });
  add('page', t('askAboutPage'), ['page']);
  add('selection', t('askAboutSelection'), ['selection']);
  for (const { id, title } of SELECTION_ENTRIES) add(id, title(), ['selection']);
  // An ampersand marks a shortcut key in a menu.
  for (const { id, title } of await savedPrompts()) add(SAVED_PREFIX + id, title.replaceAll('&', '&&'), ['selection']);
}

async function savedPrompts() {
  return parsePrompts((await browser.storage.local.get(SAVED_PROMPTS))[SAVED_PROMPTS]);
}

type MenuRequest = Pick<PanelRequest, 'kind' | 'question'>;

async function requestOf(menuId: string): Promise<MenuRequest> {
  if (menuId === 'page' || menuId === 'selection') return { kind: menuId };
  if (menuId.startsWith(SAVED_PREFIX)) {
    const saved = (await savedPrompts()).find(({ id }) => id === menuId.slice(SAVED_PREFIX.length));
    return { kind: 'selection', question: saved?.text };
  }
  return { kind: 'selection', question: SELECTION_ENTRIES.find(({ id }) => id === menuId)?.question() };
}

/** Opens the chat beside the pages of a window; resolves with false if the browser does not allow that now. */
async function openPanel(windowId: number): Promise<boolean> {
  const { sidebarAction } = browser as typeof browser & { sidebarAction?: { open(): Promise<void> } };
  try {
    await (sidebarAction === undefined ? browser.sidePanel.open({ windowId }) : sidebarAction.open());
    return true;
  } catch {
    return false;
  }
}

/** Sends a request to the panel of a window, or to one in a new tab if the panel could not be opened. */
async function sendToPanel(
  opened: Promise<boolean>,
  windowId: number,
  tabId: number | undefined,
  { kind, question }: MenuRequest,
): Promise<void> {
  const page = tabId === undefined ? undefined : await readTab(tabId);
  const isUnreadable =
    tabId !== undefined && (page === undefined || (kind === 'selection' ? page.selection : page.text) === '');
  const request: PanelRequest = { windowId, page, kind, isUnreadable, question: isUnreadable ? undefined : question };
  await browser.storage.session.set({ [PANEL_REQUEST]: request });
  if (!(await opened)) await browser.tabs.create({ url: browser.runtime.getURL('/sidepanel.html'), windowId });
}
